package config

// Login is how the agent and the console log in to Kafka: keys that begin with sasl_.
type Login struct {
	Mechanism       string // empty, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI or AWS_MSK_IAM
	User            string // of GSSAPI the principal; of a delegation token its id
	PasswordFile    string // of a delegation token its HMAC
	DelegationToken bool   // User and PasswordFile are a delegation token

	TokenEndpointURL string // OAUTHBEARER: one of this, TokenFile and TokenCommand
	ClientID         string
	ClientSecretFile string
	Scope            string
	AssertionFile    string // in place of the client's secret
	OAuthCAFile      string // of the endpoint's certificate
	TokenFile        string
	TokenCommand     string
	Extensions       string // name=value, comma separated

	KerberosService string
	KerberosKeytab  string
	KerberosCCache  string
	KerberosConfig  string

	AWSRegion  string
	AWSProfile string
	AWSRoleARN string
}

// Registry is where tail-topic finds the schemas of Avro and Protobuf.
type Registry struct {
	URL             string // several are separated by commas
	Context         string // of Confluent's registry
	User            string
	PasswordFile    string
	TokenFile       string // bearer token, in place of user and password
	CAFile          string
	CertFile        string
	KeyFile         string
	KeyPasswordFile string
}

// registrySettings is the part of the table about the schema registry.
func registrySettings(k func(key, def, help string, bind func(c *Kafka) target) setting) []setting {
	line := func(key, help string, field func(r *Registry) *string) setting {
		return k(key, "", help, func(c *Kafka) target { return text(field(&c.Registry)) })
	}
	return []setting{
		line("registry", "URL of the schema registry, for tail-topic; several: comma separated", func(r *Registry) *string { return &r.URL }),
		line("registry_context", "context of a Confluent registry, as .lkc-1", func(r *Registry) *string { return &r.Context }),
		line("registry_user", "", func(r *Registry) *string { return &r.User }),
		line("registry_password_file", "file that holds the password", func(r *Registry) *string { return &r.PasswordFile }),
		line("registry_token_file", "file that holds a bearer token, in place of user and password", func(r *Registry) *string { return &r.TokenFile }),
		line("registry_ca_file", "PEM of the authority that signed the registry", func(r *Registry) *string { return &r.CAFile }),
		line("registry_cert_file", "PEM of the client certificate, or PKCS#12", func(r *Registry) *string { return &r.CertFile }),
		line("registry_key_file", "PEM of the client key", func(r *Registry) *string { return &r.KeyFile }),
		line("registry_key_password_file", "opens an encrypted registry_key_file", func(r *Registry) *string { return &r.KeyPasswordFile }),
	}
}

// lacks says which settings the mechanism needs and has not; "" for none.
func (l *Login) lacks() string {
	sources := 0
	for _, s := range []string{l.TokenEndpointURL, l.TokenFile, l.TokenCommand} {
		if s != "" {
			sources++
		}
	}
	switch l.Mechanism {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
		if l.User == "" || l.PasswordFile == "" {
			return "needs sasl_user and sasl_password_file"
		}
	case "OAUTHBEARER":
		if sources != 1 {
			return "OAUTHBEARER needs one of sasl_oauthbearer_token_endpoint_url, sasl_oauthbearer_token_file and sasl_oauthbearer_token_command"
		}
	case "GSSAPI":
		if l.KerberosCCache == "" && (l.User == "" || l.KerberosKeytab == "" && l.PasswordFile == "") {
			return "GSSAPI needs sasl_kerberos_ccache, or sasl_user with sasl_kerberos_keytab (or sasl_password_file)"
		}
	}
	return ""
}

// loginSettings is the part of the table about logging in to Kafka.
func loginSettings(k func(key, def, help string, bind func(c *Kafka) target) setting) []setting {
	line := func(key, help string, field func(l *Login) *string) setting {
		return k(key, "", help, func(c *Kafka) target { return text(field(&c.Login)) })
	}
	return []setting{
		k("sasl_mechanism", "", "PLAIN | SCRAM-SHA-256 | SCRAM-SHA-512 | OAUTHBEARER | GSSAPI | AWS_MSK_IAM", func(c *Kafka) target {
			return choice(&c.Login.Mechanism, "", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI", "AWS_MSK_IAM")
		}),
		line("sasl_user", "of GSSAPI the principal, user@REALM", func(l *Login) *string { return &l.User }),
		line("sasl_password_file", "file that holds the password", func(l *Login) *string { return &l.PasswordFile }),
		k("sasl_delegation_token", "false", "sasl_user and the password are a delegation token's id and HMAC (SCRAM)", func(c *Kafka) target {
			return boolean(&c.Login.DelegationToken)
		}),
		line("sasl_oauthbearer_token_endpoint_url", "OAUTHBEARER: answers with tokens", func(l *Login) *string { return &l.TokenEndpointURL }),
		line("sasl_oauthbearer_client_id", "", func(l *Login) *string { return &l.ClientID }),
		line("sasl_oauthbearer_client_secret_file", "file that holds the client's secret", func(l *Login) *string { return &l.ClientSecretFile }),
		line("sasl_oauthbearer_scope", "separated by blanks", func(l *Login) *string { return &l.Scope }),
		line("sasl_oauthbearer_assertion_file", "signed JWT, in place of id and secret", func(l *Login) *string { return &l.AssertionFile }),
		line("sasl_oauthbearer_ca_file", "PEM of the authority that signed the endpoint", func(l *Login) *string { return &l.OAuthCAFile }),
		line("sasl_oauthbearer_token_file", "file that holds the token, in place of an endpoint", func(l *Login) *string { return &l.TokenFile }),
		line("sasl_oauthbearer_token_command", "command that prints the token, in place of an endpoint", func(l *Login) *string { return &l.TokenCommand }),
		line("sasl_oauthbearer_extensions", "name=value, comma separated, sent with each token", func(l *Login) *string { return &l.Extensions }),
		k("sasl_kerberos_service_name", "kafka", "GSSAPI: first part of the brokers' principals", func(c *Kafka) target { return text(&c.Login.KerberosService) }),
		line("sasl_kerberos_keytab", "keytab of sasl_user", func(l *Login) *string { return &l.KerberosKeytab }),
		line("sasl_kerberos_ccache", "credential cache (kinit), in place of a keytab", func(l *Login) *string { return &l.KerberosCCache }),
		line("sasl_kerberos_config", "default /etc/krb5.conf", func(l *Login) *string { return &l.KerberosConfig }),
		line("sasl_aws_region", "AWS_MSK_IAM: region of the cluster; default AWS_REGION", func(l *Login) *string { return &l.AWSRegion }),
		line("sasl_aws_profile", "profile of the shared AWS configuration", func(l *Login) *string { return &l.AWSProfile }),
		line("sasl_aws_role_arn", "role that is assumed", func(l *Login) *string { return &l.AWSRoleARN }),
	}
}
