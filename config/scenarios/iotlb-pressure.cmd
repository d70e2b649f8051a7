# How hard the same traffic presses on the IOTLB with pages of 4 KiB and of 2 MiB. From the top of
# the tree, after config/quickstart, which makes the capture; run it again with --page-size 2m and
# compare the column "misses":
#   build/app/ioplane -l 0,1 --vdev net_dmanic0 --vdev net_dmanic1,cable=net_dmanic0 \
#       -- --page-size 4k --cmdline-file config/scenarios/iotlb-pressure.cmd
# It ends by itself when the capture was sent ten times.

set replay 0,file=build/quickstart.pcap,loop=10,topspeed
set port 1 fwd rxonly
# The pages that the capture lies in are mapped now; a leaf of the tables is one page.
show iommu domains
start
