package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"peervane/config"
)

// sign makes the value of webhook-signature as Standard Webhooks has it: for each key "v1," and the base64 of the
// HMAC-SHA256 over "id.timestamp.body", separated by spaces, so that keys can be changed without a gap.
func sign(keys []config.Secret, id, timestamp string, body []byte) string {
	signatures := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, []byte(key.Reveal()))
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}
