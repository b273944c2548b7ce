package bicep

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// deployScript is deploy.sh with words in capitals where its parts go. It runs with the bash of macOS too, which is version 3.2. A
// .bicepparam says which template it is for: --template-file beside it is an error in some versions of az.
//
//go:embed deploy.sh.txt
var deployScript string

// script writes deploy.sh.
func (w *writer) script() error {
	if len(w.t.Stages) == 0 {
		return nil
	}
	var variables, deployments strings.Builder
	declared := map[string]bool{}
	for i, s := range w.t.Stages {
		command := ""
		switch s.Scope.Kind {
		case template.ScopeTenant:
			command = "tenant"
		case template.ScopeManagementGroup:
			command = "mg --management-group-id " + shell(s.Scope.ManagementGroup)
		case template.ScopeSubscription, template.ScopeResourceGroup:
			p := s.Scope.Subscription
			variable := w.subscriptions[p.Name]
			if !declared[variable] {
				declared[variable] = true
				fmt.Fprintf(&variables, "export %[1]s=\"${%[1]s:-%[2]s}\" # %[3]s\n", variable, guid(p.Default), template.OneLine(p.Description))
			}
			command = fmt.Sprintf(`sub --subscription "${%s:?is empty in deploy.sh}"`, variable)
		}
		fmt.Fprintf(&deployments, "# %s\ndeploy %s %s --parameters %s\n", template.OneLine(s.Title), shell(deploymentName("atg-"+s.Name)), command, shell(w.file(i)+".bicepparam"))
	}
	secrets := ""
	for _, names := range w.environment {
		for _, name := range names {
			secrets += " \\\n  " + name
		}
	}
	text := deployScript
	if secrets == "" {
		before, rest, _ := strings.Cut(text, "# BEGIN SECRETS\n")
		_, after, _ := strings.Cut(rest, "# END SECRETS\n")
		text = before + after
	}
	text = strings.NewReplacer(
		"# NOTICE\n", strings.TrimSuffix(string(w.notice("#")), "\n"),
		"=LOCATION", "="+shell(w.location()),
		"# SUBSCRIPTIONS\n", variables.String(),
		"# BEGIN SECRETS\n", "", "# END SECRETS\n", "",
		" SECRETS;", secrets+";",
		"# DEPLOYMENTS\n", deployments.String(),
	).Replace(text)
	return w.files.WriteProgram("deploy.sh", func(to io.Writer) error {
		_, err := io.WriteString(to, text)
		return err
	})
}

// location is where the records of deployments go; the script asks for --location where it is empty.
func (w *writer) location() string {
	for _, location := range []string{w.options.Location, w.t.Target.Location} {
		if location != "" {
			return location
		}
	}
	for _, p := range w.t.Parameters {
		if strings.HasPrefix(p.Name, "location") && p.Default != "" {
			return p.Default
		}
	}
	return ""
}

// guid is the id of a subscription, or nothing: it stands where a shell would read more than that.
func guid(id string) string {
	if strings.Trim(id, "0123456789abcdefABCDEF-") != "" {
		return ""
	}
	return id
}

// shell quotes a word for a shell where it has to be.
func shell(word string) string {
	if word != "" && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
