package secrets

import (
	"strings"
	"testing"
)

func TestNamed(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "adminPassword": true, "administratorLoginPassword": true, "AdminPassWord": true, "admin_password": true, "admin-password": true, "DB:Password": true,
		"secret": true, "clientSecret": true, "ClientSecret.Value": true, "connectionString": true, "DefaultConnectionString": true, "AzureWebJobsStorage__accountKey": true,
		"primaryKey": true, "primaryMasterKey": true, "sharedKey": true, "sasToken": true, "accessToken": true, "token": true, "refreshToken": true, "pwd": true, "dbPwd": true, "psk": true,
		"APPINSIGHTS_INSTRUMENTATIONKEY": true, "apiKey": true, "api_key": true, "x-api-key": true, "privateKey": true, "customData": true, "protectedSettings": true, "webhookUrl": true,
		// near misses: what a secret is called, where it is, or what is done with it
		"secretName": false, "secretUri": false, "secretUrl": false, "secretIdentifier": false, "keyVaultSecretId": false, "keyVaultSecretName": false, "tokenType": false, "tokenStore": false,
		"tokenLifetime": false, "skipToken": false, "disablePasswordAuthentication": false, "passwordPolicy": false, "allowSharedKeyAccess": false, "connectionStringName": false,
		"sharedAccessKeyName": false, "keyName": false, "keyType": false, "key": false, "keyUri": false, "publicKey": false, "sshPublicKey": false, "sku": false, "monkey": false,
		"author": false, "authentication": false, "keyVaultId": false, "keySource": false, "value": false, "name": false, "": false, "primaryKeyPaths": false, "isSecret": false, "パスワード": false,
	} {
		if got := Named(name); got != want {
			t.Errorf("Named(%q) = %v", name, got)
		}
	}
}

func TestNamedSetting(t *testing.T) {
	for name, want := range map[string]bool{
		"STRIPE_KEY": true, "Redis:Key": true, "key": true, "encryption.key": true, "DB_PASSWORD": true, "GITHUB_TOKEN": true,
		"SSH_PUBLIC_KEY": false, "publicKey": false, "KEY_NAME": false, "KEYVAULT_URL": false, "WEBSITE_NODE_DEFAULT_VERSION": false, "monkeys": false, "": false,
	} {
		if got := NamedSetting(name); got != want {
			t.Errorf("NamedSetting(%q) = %v", name, got)
		}
	}
}

func TestRefers(t *testing.T) {
	for value, want := range map[string]bool{
		"": true, "true": true, "False": true, "null": true, "None": true, "Enabled": true, "disabled": true,
		"@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x)": true, "@microsoft.keyvault(VaultName=kv;SecretName=x)": true, "@Microsoft.AppConfiguration(Endpoint=x)": true,
		"secretref:db": true, "/subscriptions/x": true, "[parameters('p')]": true, "${var.x}": true, "$(pipeline)": true, "@{concat('a')}": true,
		"https://kv.vault.azure.net/secrets/x": true, "https://KV.vault.azure.cn/keys/x/1": true, "https://kv.vault.azure.net/certificates/x": true,
		"https://kv.vault.azure.net/": false, "https://example.com/secrets/x": false, "http://kv.vault.azure.net/secrets/x": false,
		"hunter2": false, "Truely": false, " ": false, "microsoft.keyvault(x)": false, "$x": false,
	} {
		if got := Refers(value); got != want {
			t.Errorf("Refers(%q) = %v", value, got)
		}
	}
}

func TestMasked(t *testing.T) {
	for value, want := range map[string]bool{
		"***": true, "********": true, "<redacted>": true, "[REDACTED]": true, "*hidden*": true, "(masked)": true, "<secret>": true,
		"": false, "**": false, "*": false, "*.contoso.com": false, "*:8080": false, "redacted": false, "<tag>": false, "[1]": false, "****1234": false,
	} {
		if got := Masked(value); got != want {
			t.Errorf("Masked(%q) = %v", value, got)
		}
	}
}

// key86 is the base64 of 64 bytes.
var key86 = strings.Repeat("aB3+", 21) + "xy=="

// of each form one or more, some in a text.
var looking = map[string]string{
	"storage":                "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=" + key86 + ";EndpointSuffix=core.windows.net",
	"service bus":            "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG=",
	"SQL":                    "Server=tcp:x.database.windows.net;User ID=u;Password=hunter2;Encrypt=true",
	"SQL, short":             "Server=x;Uid=u;Pwd=hunter2;",
	"a signed URL":           "https://shop.blob.core.windows.net/c/b?sv=2022-11-02&ss=b&sig=abcdefghijklmnopqrstuvwxyz%2B0123456789%3D",
	"a signature at first":   "sig=abcdefghijklmnopqrstuvwxyz%2B0123456789%3D",
	"a signed resource":      "SharedAccessSignature sr=https%3A%2F%2Fx&sig=abc&se=1",
	"a password in a URL":    "connect to amqp://user:hunter2@host.example:5671/x, please",
	"a private key":          "x\n-----BEGIN RSA PRIVATE KEY-----\nMIIE",
	"a private key, PKCS 8":  "-----BEGIN PRIVATE KEY-----",
	"a JWT":                  "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
	"a long JWT":             "eyJhbGciOiJIUzI1NiJ9.eyJ" + strings.Repeat("abc123_-", 500) + ".dozjgNryP4J3jVmNHl0w5N",
	"a client secret":        "abc8Q~" + strings.Repeat("aB1.", 8) + "xx",
	"GitHub":                 "ghp_" + strings.Repeat("a1B2", 9),
	"GitHub, fine-grained":   "github_pat_" + strings.Repeat("a1B2", 9),
	"Slack":                  "xoxb-123456789012-abcdef",
	"AWS":                    "AKIAIOSFODNN7EXAMPLE",
	"a key alone":            key86,
	"a key in quotes":        `"key": "` + key86 + `",`,
	"a key in another line":  "a == b\n" + key86 + "\nc",
	"in the last of 3 lines": "one\ntwo\nAccountKey=abcdefghijklmnopqrst",
}

// what is no secret, though it comes near.
var harmlessTexts = map[string]string{
	"a GUID":                    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
	"a hash":                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"a hash in base64":          "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	"KQL":                       "AzureActivity | where Level == 'Error' and Caller == \"x\" | summarize count() by OperationNameValue",
	"KQL without spaces":        strings.Repeat("T|where a==b and ", 9),
	"an SSH public key":         "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ" + strings.Repeat("Ab3+", 50) + "== me@contoso.com",
	"an address in mail":        "see https://contoso.com/docs, or mail ops@contoso.com",
	"a port, and then mail":     "https://contoso.com:8443\nops@contoso.com",
	"a user without a password": "ssh://git@github.com/x",
	"a certificate":             "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
	"a public key":              "-----BEGIN PUBLIC KEY-----",
	"a reference to Key Vault":  "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/password/)",
	"a placeholder":             "Server=x;Password=${DB_PASSWORD};Pwd=<pwd>",
	"a masked password":         "Server=x;Password=******;",
	"a word that ends in pwd":   "cwd=abcdef",
	"a design":                  "https://x/?design=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
	"an empty signature":        "https://x/?sv=1&sig=",
	"an id":                     "/subscriptions/3f2504e0-4f89-41d3-9a0c-0305e82c3301/resourceGroups/x/providers/Microsoft.Storage/storageAccounts/AccountKey",
	"base64 of 63 bytes":        strings.Repeat("aB3+", 21),
	"base64 of more bytes":      strings.Repeat("aB3+", 30) + "xy==",
	"JWT without its end":       "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi",
	"nothing":                   "",
}

func TestLooks(t *testing.T) {
	for name, text := range looking {
		if kind, found := Looks(text); !found || kind == "" {
			t.Errorf("%s: %q looks like no secret", name, text)
		}
	}
	for name, text := range harmlessTexts {
		if kind, found := Looks(text); found {
			t.Errorf("%s: %q looks like %s", name, text, kind)
		}
	}
}
