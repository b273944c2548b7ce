// Package secrets tells secrets from other text: by the name of a property, and by the form of a value. It errs on the side
// of calling something a secret, because that costs a variable, and the other mistake a leak.
package secrets

import (
	"regexp"
	"strings"
	"sync"
)

// words make a name that of a secret, wherever they are in it, once case, '_', '-', '.' and ':' do not count.
var words = []string{
	"password", "passwd", "passphrase", "secret", "connectionstring", "connstr", "accountkey", "accesskey", "sharedkey", "apikey", "privatekey",
	"primarykey", "secondarykey", "masterkey", "functionkey", "hostkey", "storagekey", "authorizationkey", "subscriptionkey", "licensekey", "instrumentationkey",
	"signingkey", "symmetrickey", "authkey", "servicekey", "workspacekey", "sastoken", "sasurl", "sasuri", "sasdefinition", "accesstoken", "refreshtoken", "bearertoken", "authtoken",
	"apitoken", "registrationtoken", "webhookurl", "customdata", "protectedsettings", "adminpw", "credentialvalue", "pskvalue", "pfxblob", "pfxpassword",
}

// harmless are names in which a word of words does not mean the secret itself, but where it is, what it is called, or what is done with it.
var harmless = []string{
	"secretname", "secreturi", "secreturl", "secretid", "secretidentifier", "secretref", "secretversion", "secretpermissions", "secretsource", "secretstore", "secrettype", "secretrotation",
	"secretexpiration", "secretprovider", "secretpath", "secretkeyname", "keyvaultsecret", "passwordauthentication", "passwordpolicy", "passwordexpir", "passwordreset", "passwordenabled",
	"passwordless", "passwordcredential", "disablepassword", "allowsharedkey", "sharedkeyaccess", "connectionstringname", "connectionstringtype", "accesskeyname", "accesskeysauthentication", "sharedaccesskeyname",
	"tokentype", "tokenstore", "tokenlifetime", "tokenexpir", "tokenissuer", "tokenaudience", "tokenendpoint", "disableaccesskey", "privatekeyformat", "apikeyauth", "apikeylocation", "apikeyname", "primarykeypaths",
	"masterkeyvault", "sasexpiration", "sastokenvalidity", "issecret", "hassecret", "secretsmanagement",
}

// Named says that a property of this name, or a setting of it, holds a secret. What it holds may still be harmless: see Refers.
func Named(name string) bool {
	name = fold(name)
	for _, h := range harmless {
		if strings.Contains(name, h) {
			return false
		}
	}
	if name == "pwd" || name == "psk" || name == "token" || strings.HasSuffix(name, "token") && !strings.HasSuffix(name, "skiptoken") || strings.HasSuffix(name, "pwd") {
		return true
	}
	for _, w := range words {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// NamedSetting is Named for the names of settings and environment variables, which people choose: a name that ends in KEY is
// one as well.
func NamedSetting(name string) bool {
	return Named(name) || strings.HasSuffix(fold(name), "key") && !strings.HasSuffix(fold(name), "publickey")
}

// fold is a name without what does not count. It allocates only where something does not.
func fold(name string) string {
	for i := range len(name) {
		if c := name[i]; c < 'a' || c > 'z' {
			return strings.Map(func(r rune) rune {
				switch {
				case r >= 'A' && r <= 'Z':
					return r + 'a' - 'A'
				case r == '_', r == '-', r == '.', r == ':', r == ' ':
					return -1
				}
				return r
			}, name)
		}
	}
	return name
}

// Refers says that a value is no secret though its name says so: it is empty, a truth value, a reference to Key Vault, or a
// placeholder of a pipeline.
func Refers(value string) bool {
	switch strings.ToLower(value) {
	case "", "true", "false", "null", "none", "enabled", "disabled":
		return true
	}
	lower := strings.ToLower(value)
	for _, prefix := range []string{"@microsoft.keyvault(", "@microsoft.appconfiguration(", "secretref:", "/subscriptions/", "/providers/", "[parameters(", "@parameters(", "@{", "keyvault://", "${", "$("} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	if rest, ok := strings.CutPrefix(lower, "https://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		return strings.Contains(host, ".vault.") && (strings.HasPrefix(path, "secrets/") || strings.HasPrefix(path, "keys/") || strings.HasPrefix(path, "certificates/"))
	}
	return false
}

// Masked says that a value stands for a secret that Azure did not tell: ******, <redacted>.
func Masked(value string) bool {
	if value == "" || !strings.ContainsRune("*<[(", rune(value[0])) {
		return false
	}
	if strings.Trim(value, "*") == "" && len(value) > 2 {
		return true
	}
	switch strings.ToLower(strings.Trim(value, "<>[]()*")) {
	case "redacted", "hidden", "secret", "sensitive", "removed", "masked":
		return true
	}
	return false
}

// form is a form of secrets: where marker is, pattern decides.
type form struct {
	kind, marker string
	pattern      *regexp.Regexp
	also         string           // another marker, where one is too common
	find         func(string) int // instead of pattern, where that takes too long: where one begins; -1 is nowhere
}

// in is where a secret of the form begins in a text; -1 is nowhere. It looks at the lines with the marker alone: a pattern takes much
// longer than to find that.
func (f *form) in(text string) int {
	if f.find != nil {
		return f.find(text)
	}
	for from := 0; ; {
		at := strings.Index(text[from:], f.marker)
		if at < 0 {
			return -1
		}
		at += from
		begin := strings.LastIndexByte(text[:at], '\n') + 1
		end := len(text)
		if next := strings.IndexByte(text[at:], '\n'); next >= 0 {
			end = at + next
		}
		if line := text[begin:end]; strings.Contains(line, f.also) {
			if found := f.pattern.FindStringIndex(line); found != nil {
				return begin + found[0]
			}
		}
		if from = end; from >= len(text) {
			return -1
		}
	}
}

// key64 finds the base64 of 64 bytes, as keys of storage and Cosmos DB accounts are: 86 characters and ==.
func key64(text string) int {
	const digits = 86
	for from := 0; ; {
		at := strings.Index(text[from:], "==")
		if at < 0 {
			return -1
		}
		at += from
		begin := at
		for begin > 0 && base64Digit(text[begin-1]) && at-begin <= digits {
			begin--
		}
		if at-begin == digits && (begin == 0 || text[begin-1] != '=') && (at+2 == len(text) || text[at+2] != '=' && !base64Digit(text[at+2])) {
			return begin
		}
		from = at + 2
	}
}

func base64Digit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// forms are the forms that are told by the value alone. Sources: Microsoft's documentation of storage, Service Bus and SQL
// connection strings and of shared access signatures; RFC 7468 (PEM), RFC 7519 (JWT); the prefixes that GitHub, Slack and AWS document for
// their tokens. A client secret of Microsoft Entra has 'Q~' behind its first four characters.
var forms = sync.OnceValue(func() []form {
	f := func(kind, marker, pattern string) form {
		return form{kind: kind, marker: marker, pattern: regexp.MustCompile(pattern)}
	}
	all := []form{
		f("a connection string's key", "Key=", `(?:Account|Access|SharedAccess)Key=[A-Za-z0-9+/%]{16,}`),
		f("a shared access signature", "sig=", `[?&;]s(?:v|e|p|r|ig)=[^\s"'\\]*?[?&]sig=[A-Za-z0-9%+/=_-]{20,}|(?:\?|&|^)sig=[A-Za-z0-9%+/=_-]{30,}|SharedAccessSignature=?\s?sr=`),
		f("a connection string's password", "assword=", `[Pp]assword=[^;"'\s${}<>*(\\]{3,}`),
		f("a connection string's password", "wd=", `\b[Pp]wd=[^;"'\s${}<>*(\\]{3,}`),
		f("a password in an address", "@", `[a-z][a-z0-9+.-]*://[^/\s:@"'${}<>\\]+:[^/\s:@"'${}<>*\\]{3,}@[A-Za-z0-9.-]+`),
		f("a private key", "PRIVATE KEY-----", `-----BEGIN [A-Z ]*PRIVATE KEY-----`),
		f("a token (JWT)", "eyJ", `\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`),
		f("a client secret of Microsoft Entra", "Q~", `[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}`),
		f("a token of GitHub", "ghp_", `\bghp_[A-Za-z0-9]{36,}`),
		f("a token of GitHub", "gho_", `\bgho_[A-Za-z0-9]{36,}`),
		f("a token of GitHub", "ghs_", `\bghs_[A-Za-z0-9]{36,}`),
		f("a token of GitHub", "github_pat_", `\bgithub_pat_[A-Za-z0-9_]{30,}`),
		f("a token of Slack", "xox", `\bxox[abprs]-[A-Za-z0-9-]{10,}`),
		f("an access key of AWS", "AKIA", `\bAKIA[0-9A-Z]{16}\b`),
		{kind: "a key of 64 bytes", marker: "==", find: key64},
	}
	for i := range all {
		if all[i].marker == "@" {
			all[i].also = "://"
		}
	}
	return all
})

// Looks says that a text holds a secret by its form, and of which kind.
func Looks(text string) (kind string, found bool) {
	if len(text) < 10 {
		return "", false
	}
	for i := range forms() {
		if f := &forms()[i]; f.in(text) >= 0 {
			return f.kind, true
		}
	}
	return "", false
}
