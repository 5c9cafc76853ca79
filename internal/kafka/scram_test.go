package kafka

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

// A delegation token is announced by tokenauth=true, and the proof covers that.
func TestDelegationTokenOverSCRAM(t *testing.T) {
	c := newScram(SASLScramSHA256, true)()
	if err := c.Begin("token-id", "the-hmac", ""); err != nil {
		t.Fatal(err)
	}
	first, err := c.Step("")
	if err != nil {
		t.Fatal(err)
	}
	bare, ok := strings.CutPrefix(first, "n,,")
	if !ok || !strings.HasPrefix(bare, "n=token-id,r=") || !strings.HasSuffix(bare, ",tokenauth=true") {
		t.Fatalf("the first message is %q", first)
	}
	nonce := strings.TrimSuffix(strings.SplitAfter(bare, "r=")[1], ",tokenauth=true")
	salt := []byte("salt of this test")
	challenge := "r=" + nonce + "server,s=" + base64.StdEncoding.EncodeToString(salt) + ",i=4096"
	final, err := c.Step(challenge)
	if err != nil {
		t.Fatal(err)
	}
	withoutProof, proof, ok := strings.Cut(final, ",p=")
	if !ok || !strings.HasSuffix(withoutProof, "r="+nonce+"server") {
		t.Fatalf("the final message is %q", final)
	}
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	salted, err := pbkdf2.Key(sha256.New, "the-hmac", salt, 4096, 32)
	if err != nil {
		t.Fatal(err)
	}
	key := mac(salted, "Client Key")
	stored := sha256.Sum256(key)
	all := bare + "," + challenge + "," + withoutProof
	for i, b := range mac(stored[:], all) {
		key[i] ^= b
	}
	if want := base64.StdEncoding.EncodeToString(key); proof != want {
		t.Errorf("the proof is %s, want %s", proof, want)
	}
	signature := base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), all))
	if _, err := c.Step("v=" + signature); err != nil || !c.Done() {
		t.Errorf("the server's signature: %v, done %v", err, c.Done())
	}
}
