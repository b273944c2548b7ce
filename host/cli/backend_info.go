package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type backendInfoCmd struct {
	Name string `arg:"" optional:"" help:"Backend (default: the chosen one)."`
}

// Help is the long help.
func (backendInfoCmd) Help() string {
	return `Starts a backend and asks what it is, what it can do as it is configured, and which settings it takes
under backends.NAME.settings.

Examples:
  atg backend info local
  atg backend info acme --jq .settings_schema`
}

// backendInfo is what is known of a backend. The capabilities are those with the settings that are
// configured; where it does not take these, ConfigurationFault says why.
type backendInfo struct {
	backend.Description
	Program            discover.Program      `json:"program"`
	Capabilities       *backend.Capabilities `json:"capabilities,omitempty"`
	ConfigurationFault *fault.Fault          `json:"configuration_fault,omitempty"`
}

// Run asks.
func (c *backendInfoCmd) Run(ctx context.Context, a *app) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	name := c.Name
	if name == "" {
		name = settings.Backend
	}
	if name == config.Remote {
		if err := a.unlock(ctx, settings); err != nil {
			return err
		}
	}
	var info backendInfo
	if info.Program, err = discover.Find(discover.From(settings), name); err != nil {
		return err
	}
	s, err := a.dispatcherFor(settings, func(string) (discover.Program, error) { return info.Program, nil }).Connect(ctx, name)
	if err != nil {
		return err
	}
	end := sync.OnceFunc(func() { s.Close(ctx) })
	defer end() // returns when it has ended, whoever began it
	info.Description = s.Description
	if err := s.Configure(ctx); err == nil {
		info.Capabilities = &s.Capabilities
	} else if ctx.Err() != nil {
		return context.Cause(ctx)
	} else {
		info.ConfigurationFault = fault.Of(err)
	}
	go end() // the backend ends while its answers are printed
	return a.console.Print(ui.Document{Data: info, Page: info.show})
}

func (i *backendInfo) show(p *ui.Page) {
	p.Line(ui.Toned{Tone: ui.Strong, Text: i.Name}, " ", i.Version)
	if i.Summary != "" {
		p.Line("  ", i.Summary)
	}
	pairs := []ui.Pair{{Name: "program", Value: i.Program.Path}, {Name: "found by", Value: i.Program.Source}, {Name: "protocol", Value: fmt.Sprint(i.Protocol)}}
	if c := i.Capabilities; c != nil {
		pairs = append(pairs, ui.Pair{Name: "can do", Value: join(c.Operations)}, ui.Pair{Name: "formats", Value: strings.Join(c.Formats, ", ")},
			ui.Pair{Name: "features", Value: join(c.Features)})
	}
	p.Pairs(pairs...)
	if f := i.ConfigurationFault; f != nil {
		p.Line("  ", ui.Toned{Tone: ui.Warning, Text: "not configured: "}, f.Error())
		for _, problem := range f.Problems {
			p.Line("    ", problem.Key, ": ", problem.Message)
		}
	}
	p.Title("Settings, under backends." + i.Name + ".settings")
	p.Table(ui.Table{
		Indent: 2, Rows: settingRows(i.SettingsSchema), Empty: "none",
		Columns: []ui.Column{{Title: "SETTING", Whole: true}, {Title: "TYPE"}, {Title: "DEFAULT"}, {Title: "MEANING"}},
	})
}

func join[T ~string](names []T) string {
	text := make([]string, len(names))
	for i, n := range names {
		text[i] = string(n)
	}
	return strings.Join(text, ", ")
}

// settingRows lists the settings of a schema: name, type, default, meaning.
func settingRows(raw json.RawMessage) [][]string {
	var schema struct {
		Properties map[string]struct {
			Type        any    `json:"type"` // a name or a list of names
			Enum        []any  `json:"enum"`
			Default     any    `json:"default"`
			Description string `json:"description"`
			WriteOnly   bool   `json:"writeOnly"`
		} `json:"properties"`
	}
	if json.Unmarshal(raw, &schema) != nil {
		return nil
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		kind := text(p.Type)
		if len(p.Enum) > 0 {
			kind = text(p.Enum)
		}
		if p.WriteOnly {
			kind += " (secret)"
		}
		rows = append(rows, []string{name, kind, text(p.Default), p.Description})
	}
	return rows
}

// text is a value of a schema for people: the members of a list with a bar between them.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = text(item)
		}
		return strings.Join(parts, "|")
	}
	return fmt.Sprint(value)
}
