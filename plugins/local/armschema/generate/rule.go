package main

// What Azure sets itself and the models do not say: the services take it in a PUT, and ignore it or fail.
var azureSets = map[string]bool{
	"provisioningState": true, // of any type
	"VirtualNetworkPeeringPropertiesFormat peeringState":     true, // follows from the other end
	"VirtualNetworkPeeringPropertiesFormat peeringSyncLevel": true,
	"OSProfile requireGuestProvisionSignal":                  true, // only true is taken, and only with a feature flag
}

// settled says whether a property of a struct is one that Azure sets.
func settled(owner, name string) bool { return azureSets[name] || azureSets[owner+" "+name] }
