package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// realm starts one of our own: Debian's krb5-kdc with the brokers' principal, an agent with
// a keytab and a person with a password. Its files stand in dir.
func (l *lab) realm(ctx context.Context) (dir string, kdc *server, err error) {
	for _, name := range []string{"krb5kdc", "kdb5_util", "kadmin.local", "kinit"} {
		if _, err := exec.LookPath(name); err != nil {
			return "", nil, errors.New(name + " is missing: apt-get install krb5-kdc krb5-admin-server krb5-user")
		}
	}
	dir, err = os.MkdirTemp(l.dir, "kdc-")
	if err != nil {
		return "", nil, err
	}
	p, err := ports(1)
	if err != nil {
		return "", nil, err
	}
	conf := filepath.Join(dir, "krb5.conf")
	err = errors.Join(os.WriteFile(conf, fmt.Appendf(nil, `[libdefaults]
 default_realm = MATRIX.TEST
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 udp_preference_limit = 1
[realms]
 MATRIX.TEST = {
  kdc = %s
 }
[domain_realm]
 localhost = MATRIX.TEST
`, p[0]), 0o600), os.WriteFile(filepath.Join(dir, "kdc.conf"), fmt.Appendf(nil, `[realms]
 MATRIX.TEST = {
  database_name = %[1]s/principal
  key_stash_file = %[1]s/stash
  acl_file = %[1]s/acl
  kdc_listen = %[2]s
  kdc_tcp_listen = %[2]s
 }
[logging]
 kdc = FILE:%[1]s/kdc.log
`, dir, p[0]), 0o600))
	if err != nil {
		return "", nil, err
	}
	env := fmt.Sprintf("export KRB5_CONFIG=%s KRB5_KDC_PROFILE=%s/kdc.conf\n", conf, dir)
	if _, err := sh(ctx, dir, env+`
kdb5_util create -s -r MATRIX.TEST -P matrix-master
for p in kafka/localhost agent stranger; do kadmin.local -q "addprinc -randkey $p"; done
kadmin.local -q "addprinc -pw person-secret person"
kadmin.local -q "ktadd -k $PWD/broker.keytab kafka/localhost"
kadmin.local -q "ktadd -k $PWD/agent.keytab agent"
kadmin.local -q "ktadd -k $PWD/old.keytab stranger"
kadmin.local -q "cpw -randkey stranger"
printf 'person-secret\n' >password; printf 'wrong\n' >wrong`); err != nil {
		return "", nil, err
	}
	kdc, err = launch(dir, "env", "KRB5_CONFIG="+conf, "KRB5_KDC_PROFILE="+dir+"/kdc.conf", "krb5kdc", "-n")
	if err != nil {
		return "", nil, err
	}
	if err := kdc.listens(ctx, p[0]); err != nil {
		kdc.kill()
		return "", nil, err
	}
	// Two caches, of which one has ended; settings whose realm stands in an included file; and
	// settings of a KDC that is not there.
	if _, err := sh(ctx, dir, env+`
kinit -k -t agent.keytab -c FILE:$PWD/cache agent
kinit -k -t agent.keytab -l 1s -c FILE:$PWD/ended agent
while klist -s -c FILE:$PWD/ended; do sleep 0.2; done
mkdir conf.d; sed -n '/^.realms/,$p' krb5.conf >conf.d/realm.conf
{ echo "includedir $PWD/conf.d"; sed '/^.realms/,$d' krb5.conf; } >included.conf
sed 's/^  kdc = .*/  kdc = 127.0.0.1:1/' krb5.conf >nobody.conf`); err != nil {
		kdc.kill()
		return "", nil, err
	}
	return dir, kdc, nil
}

// kerberos is the login through a realm of its own.
func (l *lab) kerberos(ctx context.Context) (*way, broker, error) {
	dir, kdc, err := l.realm(ctx)
	if err != nil {
		return nil, broker{}, err
	}
	conf := filepath.Join(dir, "krb5.conf")
	login := func(lines ...string) string {
		text := "sasl_mechanism = GSSAPI\n" + strings.ReplaceAll(strings.Join(lines, "\n"), "DIR", dir) + "\n"
		if !strings.Contains(text, "sasl_kerberos_config") {
			text += "sasl_kerberos_config = " + conf + "\n"
		}
		return text
	}
	w := &way{
		principal: "agent",
		settings:  login("sasl_user = agent@MATRIX.TEST", "sasl_kerberos_keytab = DIR/agent.keytab"),
		same: map[string]string{
			"cache of kinit":             login("sasl_kerberos_ccache = DIR/cache"),
			"cache as FILE: and a user":  login("sasl_user = agent@MATRIX.TEST", "sasl_kerberos_ccache = FILE:DIR/cache"),
			"service name that is usual": login("sasl_user = agent@MATRIX.TEST", "sasl_kerberos_keytab = DIR/agent.keytab", "sasl_kerberos_service_name = kafka"),
		},
		refused: map[string][2]string{
			"wrong password":                {login("sasl_user = person@MATRIX.TEST", "sasl_password_file = DIR/wrong"), "refused the login"},
			"user whom nobody has":          {login("sasl_user = nobody@MATRIX.TEST", "sasl_password_file = DIR/wrong"), "refused the login"},
			"keys that were changed":        {login("sasl_user = stranger@MATRIX.TEST", "sasl_kerberos_keytab = DIR/old.keytab"), "refused the login"},
			"user who is not in the keytab": {login("sasl_user = person@MATRIX.TEST", "sasl_kerberos_keytab = DIR/agent.keytab"), "klist -ke"},
			"ticket that has ended":         {login("sasl_kerberos_ccache = DIR/ended"), "run kinit"},
			"no cache":                      {login("sasl_kerberos_ccache = DIR/kdc.conf"), "is no file of tickets"},
			"realm in an included file":     {login("sasl_user = agent@MATRIX.TEST", "sasl_kerberos_keytab = DIR/agent.keytab", "sasl_kerberos_config = DIR/included.conf"), "includedir"},
			"KDC that is not there":         {login("sasl_user = agent@MATRIX.TEST", "sasl_kerberos_keytab = DIR/agent.keytab", "sasl_kerberos_config = DIR/nobody.conf"), "no KDC of the realm MATRIX.TEST answers"},
			"service that is not":           {login("sasl_user = agent@MATRIX.TEST", "sasl_kerberos_keytab = DIR/agent.keytab", "sasl_kerberos_service_name = kafka2"), "sasl_kerberos_service_name"},
		},
		close: kdc.kill,
	}
	return w, broker{
		host: "localhost",
		java: []string{"-Djava.security.krb5.conf=" + conf},
		settings: fmt.Sprintf(`sasl.enabled.mechanisms=GSSAPI
sasl.kerberos.service.name=kafka
connections.max.reauth.ms=5000
listener.name.sasl_plaintext.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab="%s/broker.keytab" principal="kafka/localhost@MATRIX.TEST";
`, dir),
	}, nil
}
