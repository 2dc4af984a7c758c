#!/bin/bash
# In the booted machine: a router, two POPs on the loopback, and the daemon; then the wall clock is set an hour ahead, and two back.
# Whatever is told is an incident that a clock caused.
set -eu
cd /root
sysctl -qw net.ipv4.ping_group_range="0 2147483647"
ip address add 198.51.100.1/32 dev lo
ip address add 198.51.101.1/32 dev lo
mkdir -p state run
cat >bird.conf <<EOF
router id 127.0.0.1;
protocol device {}
filter origin { bgp_path = +empty+; bgp_path = prepend(bgp_path, 64496); accept; }
protocol static { ipv4 { import filter origin; }; route 203.0.113.0/24 blackhole; route 198.51.100.0/23 blackhole; }
protocol bgp monitor {
	local 127.0.0.1 port 1790 as 64500; neighbor 127.0.0.2 as 64512; multihop; passive; hold time 9;
	ipv4 { import none; export all; };
}
EOF
cat >peervane.toml <<EOF
[daemon]
asn = 64512
router_id = "127.0.0.2"
[[peer]]
name = "router"
address = "127.0.0.1"
port = 1790
local_address = "127.0.0.2"
asn = 64500
relationship = "provider"
hold_time = "9s"
connect_retry = "1s"
ttl = 64
[[prefix]]
prefix = "203.0.113.0/24"
origins = [64496]
[[pop]]
name = "par1"
address = "198.51.100.1"
[[pop]]
name = "fra1"
address = "198.51.101.1"
[probe]
interval = "1s"
packets = 3
spacing = "20ms"
EOF
bird -c bird.conf -s bird.ctl -P bird.pid
STATE_DIRECTORY=/root/state RUNTIME_DIRECTORY=/root/run ./peervane run -c peervane.toml >peervane.log 2>&1 &
daemon=$!

# answered counts the batches of both POPs that were answered.
answered() { { ./peervane latency --window 30m --json 2>/dev/null || true; } | grep -o '"p50_ms":[0-9]' | wc -l; }
# batches waits for so many more.
batches() {
	local before goal
	before=$(answered)
	goal=$((before + 2 * $1))
	until [ "$(answered)" -ge "$goal" ]; do kill -0 $daemon; sleep 1; done
}
told() { ./peervane incidents --status all --json; }

until ./peervane peers 2>/dev/null | grep -q Established; do kill -0 $daemon; sleep 1; done
batches 31
echo "before: $(date -u +%H) $(told)"
date -s "+1 hour" >/dev/null
batches 12
echo "ahead: $(told)"
date -s "-2 hours" >/dev/null
batches 12
echo "back: $(told)"
date -s "+1 hour" >/dev/null
batches 5
./peervane peers
./peervane latency
echo "after: $(told)"
grep -c '"msg":"incident"' peervane.log || true
[ "$(told)" = "[]" ]
kill $daemon
wait $daemon
