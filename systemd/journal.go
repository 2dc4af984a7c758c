package systemd

import (
	"fmt"
	"os"
	"syscall"
)

// OnJournal says whether f is the stream to the journal that JOURNAL_STREAM names (systemd.exec(5)): then each line may
// begin with its priority, as "<4>" (sd-daemon(3)).
func OnJournal(f *os.File) bool {
	var device, inode uint64
	if _, err := fmt.Sscanf(os.Getenv("JOURNAL_STREAM"), "%d:%d", &device, &inode); err != nil {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Dev == device && stat.Ino == inode
}
