package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var describeChecks = []Check{
	{
		Name:        "describe/unconfigured",
		Requirement: "Describe works before Configure and names the backend, its version and the protocol.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.fresh(ctx, false, func(b backend.Backend) error {
				d, err := b.Describe(ctx)
				if err != nil {
					return err
				}
				switch {
				case !nameRule.MatchString(d.Name):
					return fmt.Errorf("the name %q does not match %s", d.Name, nameRule)
				case d.Version == "":
					return errors.New("there is no version")
				case d.Protocol != backend.Protocol:
					return fmt.Errorf("the protocol is %d, not %d", d.Protocol, backend.Protocol)
				}
				again, err := b.Describe(ctx)
				if err == nil && !reflect.DeepEqual(d, again) {
					err = fmt.Errorf("a second answer differs: %+v", again)
				}
				return err
			})
		},
	},
	{
		Name:        "describe/settings-schema",
		Requirement: "The settings' schema is a JSON Schema of an object that refuses unknown settings and describes each.",
		Run: func(ctx context.Context, s *Subject) error {
			schema, err := s.schema(ctx)
			if err != nil {
				return err
			}
			if schema.Type != "object" {
				return fmt.Errorf("its type is %q, not object", schema.Type)
			}
			if schema.AdditionalProperties == nil || *schema.AdditionalProperties {
				return errors.New("it does not say \"additionalProperties\": false")
			}
			for name, p := range schema.Properties {
				if p.Description == "" {
					return fmt.Errorf("the setting %q has no description", name)
				}
			}
			return nil
		},
	},
	{
		Name:        "configure/unknown-setting",
		Requirement: "Configure answers config_invalid and names the setting that it does not know.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.fresh(ctx, false, func(b backend.Backend) error {
				const unknown = "no_such_setting_at_all"
				f := fault.As(b.Configure(ctx, s.with(map[string]any{unknown: true})))
				if f == nil || f.Code != fault.ConfigInvalid {
					return fmt.Errorf("the answer is %w", orNil(f))
				}
				for _, p := range f.Problems {
					if strings.Contains(p.Key, unknown) {
						return nil
					}
				}
				return fmt.Errorf("no problem names the setting: %+v", f.Problems)
			})
		},
	},
	{
		Name:        "configure/all-at-once",
		Requirement: "Configure answers every problem at once, one for each setting that is wrong: unknown, or of another type than the schema says.",
		Run: func(ctx context.Context, s *Subject) error {
			schema, err := s.schema(ctx)
			if err != nil {
				return err
			}
			wrong := map[string]any{"no_such_setting_at_all": true, "nor_this_one": 1}
			for name, p := range schema.Properties {
				if p.Type != nil && !p.takes("object") {
					wrong[name] = map[string]any{"of": "another type"}
				}
			}
			return s.fresh(ctx, false, func(b backend.Backend) error {
				f := fault.As(b.Configure(ctx, s.with(wrong)))
				if f == nil || f.Code != fault.ConfigInvalid {
					return fmt.Errorf("the answer is %w", orNil(f))
				}
				for name := range wrong {
					if !slices.ContainsFunc(f.Problems, func(p fault.Problem) bool { return strings.Contains(p.Key, name) }) {
						return fmt.Errorf("no problem names the setting %s: %+v", name, f.Problems)
					}
				}
				return nil
			})
		},
	},
	{
		Name:        "configure/secrets-stay-secret",
		Requirement: "No answer of Configure holds the value of a setting that the schema marks as secret.",
		Run: func(ctx context.Context, s *Subject) error {
			schema, err := s.schema(ctx)
			if err != nil {
				return err
			}
			wrong := map[string]any{"no_such_setting_at_all": true}
			for name, p := range schema.Properties {
				if p.WriteOnly {
					wrong[name] = canary
				}
			}
			if len(wrong) == 1 {
				return skipped{"the schema marks no setting as secret"}
			}
			return s.fresh(ctx, false, func(b backend.Backend) error {
				f := fault.As(b.Configure(ctx, s.with(wrong)))
				if text := fmt.Sprintf("%+v %v", f, orNil(f)); strings.Contains(text, canary) {
					return errors.New("the fault shows the secret")
				}
				return nil
			})
		},
	},
	{
		Name:        "capabilities/known",
		Requirement: "Capabilities names at least one operation and nothing that the protocol does not know.",
		Run: func(ctx context.Context, s *Subject) error {
			can, err := s.configured.Capabilities(ctx)
			if err != nil {
				return err
			}
			if len(can.Operations) == 0 {
				return errors.New("there is no operation")
			}
			for _, op := range can.Operations {
				if backend.NewRequest(op) == nil {
					return fmt.Errorf("the operation %q is unknown", op)
				}
			}
			if can.Can(backend.OpGenerateIaC) && len(can.Formats) == 0 {
				return errors.New("generate-iac without any format")
			}
			return nil
		},
	},
	{
		Name:        "health/answers",
		Requirement: "CheckHealth is never an error, and says why something is not healthy.",
		Run: func(ctx context.Context, s *Subject) error {
			h := s.configured.CheckHealth(ctx)
			if ctx.Err() != nil {
				return errors.New("it did not answer in time")
			}
			if !h.Healthy && h.Message == "" {
				return errors.New("not healthy, and no message says why")
			}
			for _, d := range h.Dependencies {
				if !d.Healthy && d.Message == "" && d.Fault == nil {
					return fmt.Errorf("%s is not healthy, and nothing says why", d.Name)
				}
			}
			return nil
		},
	},
}

var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

type settingsSchema struct {
	Type                 string              `json:"type"`
	AdditionalProperties *bool               `json:"additionalProperties"`
	Properties           map[string]property `json:"properties"`
}

// property is the schema of one setting.
type property struct {
	Type        any    `json:"type"` // a text, or a list of them
	Description string `json:"description"`
	WriteOnly   bool   `json:"writeOnly"`
}

// takes says whether the schema lets a setting be of a type; where it names none, nobody knows.
func (p property) takes(kind string) bool {
	list, _ := p.Type.([]any)
	return p.Type == kind || slices.Contains(list, any(kind))
}

func (s *Subject) schema(ctx context.Context) (schema settingsSchema, err error) {
	d, err := s.configured.Describe(ctx)
	if err != nil {
		return schema, err
	}
	if len(d.SettingsSchema) == 0 {
		return schema, skipped{"the backend takes no settings"}
	}
	if err := json.Unmarshal(d.SettingsSchema, &schema); err != nil {
		return schema, fmt.Errorf("the schema is not JSON as expected: %w", err)
	}
	return schema, nil
}

// with is the subject's settings and more.
func (s *Subject) with(more map[string]any) backend.Settings {
	settings := backend.Settings{}
	for k, v := range s.Settings {
		settings[k] = v
	}
	for k, v := range more {
		settings[k] = v
	}
	return settings
}

// orNil makes a fault that may be nil printable as an error.
func orNil(f *fault.Fault) error {
	if f == nil {
		return errors.New("no fault")
	}
	return f
}
