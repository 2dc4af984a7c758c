package draft

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// A drafted file begins with these words and the SHA-256 of all that follows the line, so that it can be told whether a
// person changed it.
const sealWords = "# Drafted by peervane generate, which writes this file anew: write your own tables in another one. sum "

func seal(body []byte) []byte {
	return append([]byte(sealWords+sum(body)+"\n"), body...)
}

// Untouched says whether a file is as a draft was written, so that nothing is lost if another one takes its place.
func Untouched(file []byte) bool {
	head, body, _ := bytes.Cut(file, []byte("\n"))
	given, ok := bytes.CutPrefix(head, []byte(sealWords))
	return ok && string(given) == sum(body)
}

func sum(body []byte) string {
	s := sha256.Sum256(body)
	return hex.EncodeToString(s[:])
}
