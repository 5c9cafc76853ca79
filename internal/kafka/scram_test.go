package kafka

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/IBM/sarama"
)

// A delegation token is announced by tokenauth=true, and the proof covers that.
func TestDelegationTokenOverSCRAM(t *testing.T) {
	converse(t, newScram(SASLScramSHA256, true, &passwordFile{last: "the-hmac"})(), "token-id", ",tokenauth=true", "the-hmac")
}

// A login takes the password that the file has then, and the last one that it had while
// it is being written.
func TestPasswordIsReadAtEachLogin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old\n")
	cfg, err := Config{Addresses: []string{"localhost:9092"}, SASLMechanism: SASLScramSHA256, SASLUser: "u", SASLPasswordFile: path}.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ text, want string }{{"old\n", "old"}, {"new\n", "new"}, {"", "new"}, {"newest", "newest"}} {
		write(step.text)
		converse(t, cfg.Net.SASL.SCRAMClientGeneratorFunc(), "u", "", step.want)
	}
}

// converse plays the server of a conversation, which knows the password.
func converse(t *testing.T, c sarama.SCRAMClient, user, extension, password string) {
	t.Helper()
	if err := c.Begin(user, "not used", ""); err != nil {
		t.Fatal(err)
	}
	first, err := c.Step("")
	if err != nil {
		t.Fatal(err)
	}
	bare, ok := strings.CutPrefix(first, "n,,")
	if !ok || !strings.HasPrefix(bare, "n="+user+",r=") || !strings.HasSuffix(bare, extension) {
		t.Fatalf("the first message is %q", first)
	}
	nonce := strings.TrimSuffix(strings.SplitAfter(bare, "r=")[1], extension)
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
	salted, err := pbkdf2.Key(sha256.New, password, salt, 4096, 32)
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
