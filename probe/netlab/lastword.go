package netlab

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// The program inside leaves its last word in a file that lies in memory. A pipe
// would do, but whatever inherited its other end could keep the reader waiting.
const (
	lastWordName = "netlab"
	lastWordFD   = 3 // inside: the first of exec.Cmd.ExtraFiles
)

func newLastWord() (*os.File, error) {
	fd, err := unix.MemfdCreate(lastWordName, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make a file in memory: %w", err)
	}
	return os.NewFile(uintptr(fd), lastWordName), nil
}

func readLastWord(f *os.File) string {
	buf := make([]byte, 4096)
	n, _ := f.ReadAt(buf, 0) // what cannot be read was not said
	return strings.TrimSpace(string(buf[:n]))
}

// Decline tells the Reexec outside why there can be no lab after all, as when a
// setting is read-only or a kernel module is missing; the program then exits.
// Reexec returns the reason in an ErrUnavailable. Elsewhere Decline does nothing.
func Decline(reason error) {
	if hasLastWord() {
		_, _ = unix.Pwrite(lastWordFD, []byte(reason.Error()), 0) // nobody else is left to tell
	}
}

// hasLastWord makes sure that the descriptor is what Reexec left there.
func hasLastWord() bool {
	target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", lastWordFD))
	return err == nil && Inside() && target == "/memfd:"+lastWordName+" (deleted)"
}

// keepLastWord keeps the file from the programs that this one starts.
func keepLastWord() {
	if hasLastWord() {
		unix.CloseOnExec(lastWordFD)
	}
}
