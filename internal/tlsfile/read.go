package tlsfile

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

var errPair = errors.New("cert_file and key_file belong together: set both, or a cert_file that holds the key too, or none")

// readRoots reads CAFile.
func (f Files) readRoots() (*x509.CertPool, error) {
	data, err := os.ReadFile(f.CAFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if isPEM(data) {
		if !pool.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("ca_file %s: no PEM certificate in it", f.CAFile)
		}
		return pool, nil
	}
	password, err := firstLine("ca_password_file", f.CAPasswordFile)
	if err != nil {
		return nil, err
	}
	certs, err := pkcs12.DecodeTrustStore(data, password)
	if err != nil { // no trust store of Java's: the authorities beside a key
		_, _, chain, chainErr := pkcs12.DecodeChain(data, password)
		if chainErr != nil {
			return nil, fmt.Errorf("ca_file %s: no PEM certificate in it, and as PKCS#12 it cannot be read%s: %w", f.CAFile, hint(err, "ca_password_file"), err)
		}
		certs = chain
	}
	for _, c := range certs {
		pool.AddCert(c)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("ca_file %s: no authority in it", f.CAFile)
	}
	return pool, nil
}

// readPair reads CertFile and KeyFile. The leaf of the result is parsed.
func (f Files) readPair() (*tls.Certificate, error) {
	data, err := os.ReadFile(f.CertFile)
	if err != nil {
		return nil, fmt.Errorf("cert_file: %w", err)
	}
	if !isPEM(data) {
		return f.readPKCS12(data)
	}
	keyData, keyName := data, "cert_file "+f.CertFile
	if f.KeyFile != "" {
		if keyData, err = os.ReadFile(f.KeyFile); err != nil {
			return nil, fmt.Errorf("key_file: %w", err)
		}
		keyName = "key_file " + f.KeyFile
	}
	key, err := f.openKey(keyName, keyData)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(data, key)
	if err != nil {
		return nil, fmt.Errorf("cert_file %s with %s: %w", f.CertFile, keyName, err)
	}
	return &pair, parseLeaf(&pair)
}

func parseLeaf(pair *tls.Certificate) (err error) {
	if pair.Leaf == nil {
		pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0])
	}
	return err
}

// openKey returns the first private key of PEM text, decrypted, as PEM.
func (f Files) openKey(name string, data []byte) ([]byte, error) {
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if f.KeyFile == "" {
				return nil, errPair
			}
			return nil, fmt.Errorf("%s: no PEM key in it", name)
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		legacy := x509.IsEncryptedPEMBlock(block) //nolint:staticcheck // weak, but what openssl wrote for decades
		if block.Type != "ENCRYPTED PRIVATE KEY" && !legacy {
			return pem.EncodeToMemory(block), nil
		}
		if f.KeyPasswordFile == "" {
			return nil, fmt.Errorf("%s is encrypted: set key_password_file to a file that holds its password", name)
		}
		password, err := firstLine("key_password_file", f.KeyPasswordFile)
		if err != nil {
			return nil, err
		}
		if legacy {
			block.Bytes, err = x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // as above
			block.Headers = nil
		} else {
			block, err = openPKCS8(block, password)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: the password in key_password_file %s does not open it: %w", name, f.KeyPasswordFile, err)
		}
		return pem.EncodeToMemory(block), nil
	}
}

func openPKCS8(block *pem.Block, password string) (*pem.Block, error) {
	key, err := pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(password))
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &pem.Block{Type: "PRIVATE KEY", Bytes: der}, nil
}

// readPKCS12 reads a CertFile that is no PEM.
func (f Files) readPKCS12(data []byte) (*tls.Certificate, error) {
	password, err := firstLine("key_password_file", f.KeyPasswordFile)
	if err != nil {
		return nil, err
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		return nil, fmt.Errorf("cert_file %s: no PEM in it, and as PKCS#12 it cannot be read%s: %w", f.CertFile, hint(err, "key_password_file"), err)
	}
	pair := &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	for _, c := range chain {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}

func hint(err error, setting string) string {
	if errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption) {
		return " (look at " + setting + ")"
	}
	return ""
}

// isPEM reports whether a file is to be read as text: PKCS#12 is one sequence of ASN.1.
func isPEM(data []byte) bool {
	return len(data) == 0 || data[0] != 0x30 || bytes.Contains(data, []byte("-----BEGIN "))
}

// firstLine returns the first line of a file; "" for no file.
func firstLine(setting, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}
