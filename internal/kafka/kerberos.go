package kafka

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/IBM/sarama"
	krbconfig "github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

// Kerberos is how GSSAPI gets its ticket: with the keys of a keytab, with the ticket of
// a cache (kinit), or with a password. The names are librdkafka's (sasl.kerberos.*) and
// those of Kerberos.
type Kerberos struct {
	ServiceName string // of the brokers' principals; empty: kafka
	KeytabFile  string
	CacheFile   string // credential cache; empty with KeytabFile and a password file: not used
	ConfigFile  string // empty: /etc/krb5.conf
}

func (c Config) setKerberos(g *sarama.GSSAPIConfig, beside *seam) error {
	k := c.Kerberos
	g.ServiceName, g.KerberosConfigPath = k.ServiceName, k.ConfigFile
	if g.ServiceName == "" {
		g.ServiceName = "kafka"
	}
	if g.KerberosConfigPath == "" {
		g.KerberosConfigPath = "/etc/krb5.conf"
	}
	if err := readable("sasl_kerberos_config", g.KerberosConfigPath); err != nil {
		return err
	}
	if _, err := krbconfig.Load(g.KerberosConfigPath); err != nil {
		return fmt.Errorf("kafka sasl_kerberos_config %s: %w", g.KerberosConfigPath, err)
	}
	// A principal is user@REALM or user/host@REALM.
	g.Username, g.Realm = c.SASLUser, ""
	if i := strings.LastIndexByte(c.SASLUser, '@'); i >= 0 {
		g.Username, g.Realm = c.SASLUser[:i], c.SASLUser[i+1:]
	}
	if k.CacheFile != "" {
		g.AuthType, g.CCachePath = sarama.KRB5_CCACHE_AUTH, strings.TrimPrefix(k.CacheFile, "FILE:")
		if err := readable("sasl_kerberos_ccache", g.CCachePath); err != nil {
			return err
		}
		cache, err := loadCache(g.CCachePath)
		if err != nil {
			return fmt.Errorf("kafka sasl_kerberos_ccache %s is no file of tickets (caches in the kernel, KEYRING: and KCM:, cannot be read): %w", g.CCachePath, err)
		}
		// The ticket's own principal is used, whatever sasl_user says.
		g.Username, g.Realm = cache.GetClientPrincipalName().PrincipalNameString(), cache.GetClientRealm()
		return nil
	}
	if g.Username == "" || g.Realm == "" {
		return errors.New("kafka sasl_mechanism GSSAPI needs sasl_user as user@REALM, or a ticket in sasl_kerberos_ccache")
	}
	switch {
	case k.KeytabFile != "":
		g.AuthType, g.KeyTabPath = sarama.KRB5_KEYTAB_AUTH, k.KeytabFile
		if err := readable("sasl_kerberos_keytab", k.KeytabFile); err != nil {
			return err
		}
		if _, err := keytab.Load(k.KeytabFile); err != nil {
			return fmt.Errorf("kafka sasl_kerberos_keytab %s is no keytab: %w", k.KeytabFile, err)
		}
		return nil
	case c.SASLPasswordFile != "":
		password, err := readPassword("sasl_password_file", c.SASLPasswordFile)
		g.AuthType, g.Password = sarama.KRB5_USER_AUTH, password
		beside.password = &passwordFile{path: c.SASLPasswordFile, last: password}
		return err
	}
	return errors.New("kafka sasl_mechanism GSSAPI needs sasl_kerberos_keytab, sasl_kerberos_ccache or sasl_password_file")
}

// loadCache reads a cache of tickets. The library panics at one that is empty, as it is for
// a moment while kinit writes it anew.
func loadCache(path string) (cache *credentials.CCache, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("it ends too early")
		}
	}()
	if cache, err = credentials.LoadCCache(path); err == nil && len(cache.DefaultPrincipal.PrincipalName.NameString) == 0 {
		err = errors.New("it names no principal")
	}
	return cache, err
}

// ticketCache looks at the cache of tickets before sarama reads it, in a goroutine that
// nobody could recover.
func ticketCache(s *sarama.Config) error {
	n := &s.Net.SASL
	if !n.Enable || n.Mechanism != SASLGSSAPI || n.GSSAPI.AuthType != sarama.KRB5_CCACHE_AUTH {
		return nil
	}
	if _, err := loadCache(n.GSSAPI.CCachePath); err != nil {
		return &KerberosError{What: fmt.Sprintf("sasl_kerberos_ccache %s is no file of tickets (%v)", n.GSSAPI.CCachePath, err), Err: err}
	}
	return nil
}

// KerberosError says why Kerberos gives no ticket for a broker, and what to do.
type KerberosError struct {
	What    string
	Refused bool // by the KDC, a keytab or a cache: nothing changes until somebody changes it
	Err     error
}

func (e *KerberosError) Error() string {
	if e.Refused {
		return "kafka refused the login: " + e.What
	}
	return "kafka cannot be logged in to: " + e.What
}

// Unwrap returns the library's error.
func (e *KerberosError) Unwrap() error { return e.Err }

// kerberosReason is what one failure of gokrb5 means. The library tells failures apart in
// texts only: the names of errors of RFC 4120, section 7.5.9, and sentences of its own.
type kerberosReason struct {
	signs   []string
	refused bool
	what    func(ticket) string
}

// ticket is what was asked for.
type ticket struct {
	user    string // user@REALM
	realm   string // in words
	service string // kafka/host
	conf    *sarama.GSSAPIConfig
}

// The first whose sign stands in the error counts.
var kerberosReasons = []kerberosReason{
	{[]string{"KDC_ERR_C_PRINCIPAL_UNKNOWN"}, true, func(t ticket) string {
		return fmt.Sprintf("the KDC does not know %s: check sasl_user and its realm", t.user)
	}},
	{[]string{"KDC_ERR_S_PRINCIPAL_UNKNOWN"}, true, func(t ticket) string {
		return fmt.Sprintf("the KDC does not know the service %s: check sasl_kerberos_service_name, and that the broker advertises the name that its keytab holds", t.service)
	}},
	{[]string{"matching key not found in keytab"}, true, func(t ticket) string {
		return fmt.Sprintf("sasl_kerberos_keytab %s holds no key of %s that the KDC takes: look with klist -ke", t.conf.KeyTabPath, t.user)
	}},
	{[]string{"KDC_ERR_KEY_EXPIRED", "KDC_ERR_NAME_EXP", "KDC_ERR_CLIENT_REVOKED"}, true, func(t ticket) string {
		return fmt.Sprintf("the account or the password of %s has ended or is locked: change it at the KDC", t.user)
	}},
	{[]string{"KRB_AP_ERR_SKEW"}, false, func(ticket) string {
		return "the clocks of this host and of the KDC differ by more than Kerberos allows: set the clock"
	}},
	{[]string{"KDC_ERR_ETYPE_NOSUPP"}, true, func(t ticket) string {
		return fmt.Sprintf("the KDC has no type of encryption that %s allows: look at permitted_enctypes there", t.conf.KerberosConfigPath)
	}},
	{[]string{"KDC_ERR_PREAUTH_FAILED", "KRB_AP_ERR_BAD_INTEGRITY", "Decrypting_Error"}, true, func(t ticket) string {
		if t.conf.AuthType == sarama.KRB5_KEYTAB_AUTH {
			return fmt.Sprintf("the key of %s in sasl_kerberos_keytab %s is not the KDC's: the key was changed since; export the keytab again", t.user, t.conf.KeyTabPath)
		}
		return fmt.Sprintf("the password of %s in sasl_password_file is wrong", t.user)
	}},
	{[]string{"no valid existing session", "could not find TGT session", "TGT not found in CCache", "KRB_AP_ERR_TKT_EXPIRED"}, true, func(t ticket) string {
		return fmt.Sprintf("sasl_kerberos_ccache %s holds no ticket that is good now: run kinit, or use sasl_kerberos_keytab", t.conf.CCachePath)
	}},
	{[]string{"any defined KDCs", "no KDCs defined", "no KDC SRV records"}, false, func(t ticket) string {
		return fmt.Sprintf("sasl_kerberos_config %s names no KDC of %s under [realms], and DNS does not either; files that it includes (include, includedir) are not read", t.conf.KerberosConfigPath, t.realm)
	}},
	{[]string{"to a KDC", "communicat", "Networking_Error"}, false, func(t ticket) string {
		return fmt.Sprintf("no KDC of %s answers: look at [realms] in sasl_kerberos_config %s, the network, and whether it runs", t.realm, t.conf.KerberosConfigPath)
	}},
}

// explainKerberos makes a *KerberosError of what gokrb5 says. Other errors are returned as
// they are.
func explainKerberos(s *sarama.Config, address string, err error) error {
	n := &s.Net.SASL
	if err == nil || !n.Enable || n.Mechanism != SASLGSSAPI {
		return err
	}
	g := &n.GSSAPI
	t := ticket{user: g.Username + "@" + g.Realm, realm: "the realm " + g.Realm, conf: g}
	host, _, _ := net.SplitHostPort(address)
	t.service = g.ServiceName + "/" + host
	text := err.Error()
	for _, r := range kerberosReasons {
		for _, sign := range r.signs {
			if strings.Contains(text, sign) {
				return &KerberosError{What: r.what(t) + " (" + lastReason(text) + ")", Refused: r.refused, Err: err}
			}
		}
	}
	return err
}

// lastReason is the innermost part of gokrb5's text, which is what the KDC or the system said.
func lastReason(text string) string {
	for _, mark := range []string{"KRB Error: ", " < ", "_Error: "} {
		if i := strings.LastIndex(text, mark); i >= 0 {
			text = text[i+len(mark):]
		}
	}
	return text
}

// LoginError is that a broker refused the user of a login, or its token.
type LoginError struct {
	Mechanism string
	User      string // empty: the mechanism has none
	From      string // where the token comes from; empty: the mechanism has none
	Err       error
}

func (e *LoginError) Error() string {
	switch {
	case e.From != "":
		return fmt.Sprintf("kafka refused the login with the token from %s: check issuer, audience, signature and end of the token (%v)", e.From, e.Err)
	case e.Mechanism == SASLGSSAPI:
		return fmt.Sprintf("kafka refused the login of user %q by Kerberos: check the broker's keytab and its clock (%v)", e.User, e.Err)
	}
	return fmt.Sprintf("kafka refused the login of user %q: check sasl_user, the password in sasl_password_file and sasl_mechanism %s", e.User, e.Mechanism)
}

// Unwrap returns Kafka's answer.
func (e *LoginError) Unwrap() error { return e.Err }
