package main

import "regexp"

// What is secret is nowhere in the SDK, and so it is known by the names of properties, here alone. A name is compared in
// lower case. Text, and what is free of form, can be secret; so can the few objects and maps whose names say it.
//
// never: Azure takes it and never gives it back, whatever the models say; secret too.
// hidden: secret, and some services give it back.
// within: the property value of a type whose name ends so: KeyVault's SecretProperties, Data Factory's SecureString.
// not: names that look like it and are identifiers, addresses or switches.
var (
	never = regexp.MustCompile(`(password|passwords|passphrase)$|^(protectedsettings|protectedparameters|customdata|pfxblob|` +
		`securevalue|clientsecret|certificatedata|privatekey|encryptedcredential|aadclientsecret|appsecret|secretvalue)$`)
	hidden = regexp.MustCompile(`(connectionstring|connectionstrings|accesskey|accountkey|storageaccountkey|sharedkey|apikey|privatekey|` +
		`sastoken|saskey|sasuri|sasurl|accesstoken|refreshtoken|bearertoken|authtoken|clientsecret|appsecret|secretkey|` +
		`clientkey|encryptionkeyvalue|authorizationkey|workspacekey|primarykey|secondarykey|webhooktoken)$|` +
		`^(password|secret|token|userdata|kubeconfig|authkey|hostkey|masterkey|functionkey|radiusserversecret|tlsprivatekey|` +
		`servicekey|licensekey|activationkey|registrationtoken|eventhubkey|systemkey)$`)
	within = regexp.MustCompile(`(Secret|SecretProperties|SecureString|SecureValue)$`)
	not    = regexp.MustCompile(`(publickey|secretname|secreturi|secreturl|secretid|secretidentifier|secretversion|passwordsecretreference|` +
		`^resetpassword|keyvaultsecret|secretreference|secretref|^disable|^enable)$`)
)

// secrecy says whether a property of a type is secret, and whether Azure keeps it to itself.
func secrecy(owner, name string, kind byte) (secret, writeOnly bool) {
	if kind == kindBool || kind == kindNumber {
		return false, false
	}
	switch {
	case not.MatchString(name):
		return false, false
	case never.MatchString(name):
		return true, true
	case hidden.MatchString(name):
		return kind != kindObject, false
	case name == "value" && within.MatchString(owner):
		return true, true
	}
	return false, false
}
