package rpki

import "time"

// Status is a snapshot for people.
type Status struct {
	Set    *Set // the one in force
	Caches []CacheStatus
	File   FileStatus
	SLURM  FileStatus
}

// CacheStatus is the state of one RTR cache.
type CacheStatus struct {
	URL     string
	State   string // "idle" (a more preferred one serves), "connecting", "synced", "failing"
	Epoch   Epoch
	Updated time.Time // the last End of Data
	Expires time.Time // of the data that is held, connected or not; zero without any
	VRPs    int
	ASPAs   int
	Error   string // why the last connection ended
}

// FileStatus is the state of the JSON or the SLURM file.
type FileStatus struct {
	Path  string
	Built time.Time // when the data was made; not for SLURM
	VRPs  int
	ASPAs int
	Notes []string // what of it is not used
	Error string   // why the file as it is now was refused; what was read before stays in force
}
