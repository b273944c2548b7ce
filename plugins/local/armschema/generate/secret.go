package main

import (
	"regexp"
	"strings"
)

// What is secret is nowhere in the SDK, and so it is known by names, here alone. The names of properties are compared in
// lower case. Text and what is free of form can be secret, and maps and objects whose names say it; switches and numbers
// cannot.
var (
	// never: Azure takes it and never gives it back, whatever the models say; secret too.
	never = regexp.MustCompile(`(password|passwords|passphrase)$|^(protectedsettings|protectedparameters|customdata|pfxblob|` +
		`securevalue|clientsecret|certificatedata|privatekey|encryptedcredential|aadclientsecret|appsecret|secretvalue|` +
		`base64value|securitytoken)$`)

	// hidden: secret, and some services give it back.
	hidden = regexp.MustCompile(`(connectionstring|connectionstrings|accesskey|accountkey|storageaccountkey|sharedkey|apikey|privatekey|` +
		`sastoken|saskey|sasuri|sasurl|accesstoken|refreshtoken|bearertoken|authtoken|clientsecret|appsecret|secretkey|` +
		`clientkey|sendkeyvalue|authorizationkey|workspacekey|primarykey|secondarykey|webhooktoken)$|` +
		`^(password|secret|token|userdata|kubeconfig|authkey|hostkey|masterkey|functionkey|radiusserversecret|tlsprivatekey|` +
		`servicekey|licensekey|activationkey|registrationtoken|eventhubkey|systemkey)$`)

	// owned: a name that says it only of some types: "Owner name", the owner as the SDK calls it. The values of secrets and
	// of certificates, the keys of connections, and addresses that let in who knows them. None of them is given back.
	owned = regexp.MustCompile(`(Secret|SecretProperties|SecureString|SecureValue|NamedValueCreateContractProperties|ConnStringValueTypePair) value$|` +
		`Certificate\w*(Create|Upload)\w*(Properties|Parameters) (data|value)$|` +
		`^(Workspace)?Connection\w+ (key|sas|pat)$|^CustomKeys keys$|^StorageAccount key$|` +
		`^LoggerContractProperties credentials$|^BackendAuthorizationHeaderCredentials parameter$|` +
		`^WebHookEventSubscriptionDestinationProperties endpointurl$`)

	// not: names that look like it and are identifiers, addresses or switches.
	not = regexp.MustCompile(`(publickey|secretname|secreturi|secreturl|secretid|secretidentifier|secretversion|` +
		`passwordsecretreference|keyvaultsecret|secretreference|secretref)$|^(resetpassword|disable|enable|use|sync)`)
)

// secrecy says whether a property of a type is secret, and whether Azure keeps it to itself.
func secrecy(owner, name string, kind byte) (secret, writeOnly bool) {
	name = strings.ToLower(name)
	if kind == kindBool || kind == kindNumber {
		return false, false
	}
	switch {
	case owned.MatchString(owner + " " + name):
		return true, true
	case not.MatchString(name) && name != "userdata":
		return false, false
	case never.MatchString(name):
		return true, true
	case hidden.MatchString(name):
		return kind != kindObject, false
	}
	return false, false
}
