package config

// everything sets each key to something else than its zero.
const everything = `
prefixes = ["198.51.100.0/24"]

[daemon]
asn = 64512
router_id = "192.0.2.10"
listen = ["[::]:179"]
state_dir = "state"
source = "host7"

[defaults.prefix]
origins = [64496]

[[peer]]
name = "edge1"
description = "the first"
address = "192.0.2.1"
asn = 64500
relationship = "provider"
local_address = "192.0.2.10"
interface = "eth0"
passive = true
gtsm_hops = 1
password_file = "pw"
max_prefixes = 10
labels = { site = "par" }

[[peer]]
name = "clients"
address = "10.0.0.0/8"
asn = 64499
relationship = "customer"

[[feed]]
name = "ris"
kind = "ris-live"
url = "wss://ris-live.ripe.net/v1/ws/"

[[feed]]
name = "bmp"
kind = "bmp"
listen = "[::]:11019"
allow = ["10.0.0.0/8"]

[[feed]]
name = "dir"
kind = "mrt-dir"
path = "mrt"

[[neighbour]]
asn = 64500
relationship = "provider"

[[connection]]
name = "paris-1"
provider = "ExampleNet"
provider_asn = 64500
country = "FR"
state = "Ile-de-France"
city = "Paris"
latitude = 48.85
longitude = 2.35
primary = ["edge1"]
backup = ["clients/10.0.0.1"]

[[prefix]]
prefix = "203.0.113.0/24"
connection = "paris-1"
description = "web"
origins = [64496]
upstreams = [64500]
required_upstreams = [64500]
covering_origins = [64500]
max_length = 25
required_communities = ["64500:1", "64496:1:2"]
max_path_length = 3
allow_private_asn = true
no_export = true
paths = [{ match = "_64501_", not_match = "^1_", require = "_2$", min_length = 1, max_length = 9, description = "x" }]
labels = { team = "noc" }

[[prefix]]
prefix = "203.0.112.0/24"
any_origin = true

[[prefix]]
prefix = "203.0.111.0/24"
ignore = true

[[asn]]
asn = 64496
upstreams = [64500]
downstreams = [64499]

[detect]
relationships = "rel"
siblings = [[64496, 64497]]
route_servers = [64498]
tier1 = [174]
peerlock = [{ asn = 174, allowed_upstreams = [3356] }]
hold = "1s"

[severity]
path_change = "warning"

[rpki]
rtr = ["tcp://rtr.example.net:3323"]
file = "roas"
slurm = "slurm"

[[pop]]
name = "par1"
address = "198.51.100.1"
tcp = [443]
city = "Paris"
latitude = 48.85
longitude = 2.35

[[pop]]
name = "par2"
address = "par2.example.net"

[probe]
sources = ["192.0.2.10"]
interface = "eth0"
dscp = 46
latitude = 48.85
longitude = 2.35

[[channel]]
name = "noc"
kind = "webhook"
url_file = "url"
secret_file = "keys"
types = ["origin_change"]
labels = { team = "noc" }
connections = ["paris-1"]
keep_firing = "1m"
heartbeat = "1m"
template = "tmpl"
allow_private = true
ca_file = "ca"
cert_file = "cert"
key_file = "key"

[[channel]]
name = "mail"
kind = "email"
url = "smtp://mail.example.net"
from = "peervane@example.net"
to = ["NOC <noc@example.net>"]

[[channel]]
name = "logs"
kind = "syslog"
url = "udp://192.0.2.9:514"
facility = "local7"
`
