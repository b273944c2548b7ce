package armexample

// Shop has another body for a PUT than for a GET.
type Shop struct {
	// REQUIRED; The geo-location where the resource lives
	Location *string

	// Resource tags.
	Tags map[string]*string

	// READ-ONLY; what the GET says of the kind, though a PUT sets it
	Kind *Kind

	// Properties of the shop.
	Properties *ShopProperties

	// READ-ONLY; Name.
	Name *string

	// READ-ONLY; ID.
	ID *string
}

type ShopCreate struct {
	// REQUIRED; The geo-location where the resource lives
	Location *string
	Tags     map[string]*string
	// REQUIRED; Kind.
	Kind       *Kind
	Properties *ShopPropertiesCreate
}

type ShopProperties struct {
	Opening *string
	// READ-ONLY; where it is to be reached
	Endpoint *string
	Shelves  []*Shelf
}

type ShopPropertiesCreate struct {
	Opening       *string
	AdminPassword *string
	OneTimeCode   *string
	Shelves       []*Shelf
	Owner         PersonClassification
	Anything      any
	// Provisioning state, which nobody sets
	ProvisioningState *string
	Parent            *ShopPropertiesCreate
	Opened            *time.Time
	Certificate       []byte
	Size              *int32
	Lit               *bool
	IgnoredHere       *string `json:"-"`
	Tagged            *string `json:"taggedInJSON,omitempty"`
}

// Shelf takes properties besides those it names.
type Shelf struct {
	AdditionalProperties map[string]*int32
	Name                 *string
}

type Person struct {
	// REQUIRED; Kind.
	Kind *string
	Name *string
}

type Customer struct {
	// REQUIRED; Kind.
	Kind  *string
	Name  *string
	Token *string
}

// PersonClassification provides polymorphic access to related types.
type PersonClassification interface {
	GetPerson() *Person
}

func (p *Person) GetPerson() *Person { return p }

// Kind of a shop.
type Kind string

const (
	KindLarge Kind = "Large"
	KindSmall Kind = "Small"
)

// Mode has a few values only.
type Mode string

const (
	ModeIn  Mode = "in"
	ModeOut Mode = "out"
)

func (s ShopPropertiesCreate) MarshalJSON() ([]byte, error) {
	objectMap := make(map[string]any)
	populate(objectMap, "opening", s.Opening)
	populate(objectMap, "adminPassword", s.AdminPassword)
	populate(objectMap, "one-time-code", s.OneTimeCode)
	populate(objectMap, "shelves", s.Shelves)
	populate(objectMap, "owner", s.Owner)
	populateAny(objectMap, "anything", s.Anything)
	populateTime[datetime.RFC3339](objectMap, "opened", s.Opened)
	populateByteArray(objectMap, "certificate", s.Certificate, runtime.Base64StdFormat)
	return json.Marshal(objectMap)
}

func (s Shelf) MarshalJSON() ([]byte, error) {
	objectMap := make(map[string]any)
	populate(objectMap, "name", s.Name)
	if s.AdditionalProperties != nil {
		for key, val := range s.AdditionalProperties {
			objectMap[key] = val
		}
	}
	return json.Marshal(objectMap)
}

func (c *Customer) UnmarshalJSON(data []byte) error {
	for key, val := range rawMsg {
		switch key {
		case "kind":
			err = unpopulate(val, "Kind", &c.Kind)
		case "name":
			err = unpopulate(val, "Name", &c.Name)
		case "accessToken":
			err = unpopulate(val, "Token", &c.Token)
		}
	}
	return nil
}

func unmarshalPersonClassification(rawMsg json.RawMessage) (PersonClassification, error) {
	var b PersonClassification
	switch m["kind"] {
	case string(PersonKindCustomer):
		b = &Customer{}
	default:
		b = &Person{}
	}
	return b, nil
}

const PersonKindCustomer = "customer"
