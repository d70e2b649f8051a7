# Two cabled NICs pass packets round for ever, on four queues each. From the top of the tree:
#   build/app/ioplane -l 0,1 --vdev net_dmanic0 --vdev net_dmanic1,cable=net_dmanic0 \
#       -- --cmdline-file config/scenarios/forward-four-queues.cmd --stats-period 1
# Enter or Ctrl-C ends it and prints the report, each queue with its own IOTLB figures.

port stop all
port config all rxq 4
port config all txq 4
# Without RSS what leaves transmit queue i arrives in receive queue i: no queue stays idle.
port config all rss none
port start all

set fwd io
start tx_first 4
