package diff

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProperties holds the rules by which properties are compared.
func TestProperties(t *testing.T) {
	for _, tc := range propertyCases {
		t.Run(tc.name, func(t *testing.T) {
			compareDocuments(t, tc.before, tc.after, false, tc.want)
		})
	}
}

var propertyCases = []struct {
	name, before, after string
	want                []string
}{
	{"the same in another order", `{"a":1,"b":{"c":[1,2]}}`, `{"b":{"c":[1,2]},"a":1}`, nil},
	{"a value", `{"a":{"b":"x"}}`, `{"a":{"b":"y"}}`, []string{`properties.a.b: "x" -> "y"`}},
	{"a value of another kind", `{"a":"1"}`, `{"a":1}`, []string{`properties.a: "1" -> 1`}},
	{"true and false", `{"a":true}`, `{"a":false}`, []string{`properties.a: true -> false`}},
	{"come and gone", `{"a":1}`, `{"b":{"c":2}}`, []string{`properties.a: 1 -> none`, `properties.b: none -> {"c":2}`}},
	{"nothing is nothing", `{"a":null,"b":[],"c":{}}`, `{"d":null}`, nil},
	{"an empty text is one", `{"a":""}`, `{}`, []string{`properties.a: "" -> none`}},
	{"numbers", `{"a":1.0,"b":1e3,"c":12345678901234567890}`, `{"a":1,"b":1000,"c":12345678901234567891}`, []string{`properties.c: 12345678901234567890 -> 12345678901234567891`}},
	{"keys with dots and quotes", `{"a.b":{"c\"[":1}}`, `{"a.b":{"c\"[":2}}`, []string{`properties["a.b"]["c\"["]: 1 -> 2`}},
	{"the case of ids", `{"subnet":{"id":"/subscriptions/A/resourceGroups/RG/x"}}`, `{"subnet":{"id":"/Subscriptions/a/resourcegroups/rg/X"}}`, nil},
	{"another id", `{"id":"/subscriptions/a/x"}`, `{"id":"/subscriptions/a/y"}`, []string{`properties.id: "/subscriptions/a/x" -> "/subscriptions/a/y"`}},
	{"the case of a path on a disk counts", `{"mount":"/Data"}`, `{"mount":"/data"}`, []string{`properties.mount: "/Data" -> "/data"`}},
	{"the case of GUIDs", `{"p":"AAAAAAAA-aaaa-4aaa-8aaa-aaaaaaaaaaaa"}`, `{"p":"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"}`, nil},
	{"the case of a text counts", `{"a":"X"}`, `{"a":"x"}`, []string{`properties.a: "X" -> "x"`}},
	{"regions", `{"primaryLocation":"West Europe","a":"West Europe"}`, `{"primaryLocation":"westeurope","a":"westeurope"}`, []string{`properties.a: "West Europe" -> "westeurope"`}},
	{"keys that are ids", `{"u":{"/subscriptions/A/i":{"p":1}}}`, `{"u":{"/subscriptions/a/I":{"p":2}}}`, []string{`properties.u./subscriptions/a/i.p: 1 -> 2`}},

	{"a set in another order", `{"zones":["1","2","3"]}`, `{"zones":["3","1","2"]}`, nil},
	{"a set with another", `{"zones":["1","2"]}`, `{"zones":["3","2","1"]}`, []string{`properties.zones[]: none -> "3"`}},
	{"one of a set for another", `{"zones":["1","2"]}`, `{"zones":["3","1"]}`, []string{`properties.zones[]: "2" -> "3"`}},
	{"twice is not once", `{"a":["x","x"]}`, `{"a":["x"]}`, []string{`properties.a[]: "x" -> none`}},
	{"ids in a set", `{"a":["/subscriptions/A/x","/subscriptions/B/y"]}`, `{"a":["/subscriptions/b/Y","/subscriptions/a/X"]}`, nil},
	{"a sequence in another order", `{"dhcpOptions":{"dnsServers":["10.0.0.1","10.0.0.2"]}}`, `{"dhcpOptions":{"dnsServers":["10.0.0.2","10.0.0.1"]}}`,
		[]string{`properties.dhcpOptions.dnsServers[0]: "10.0.0.1" -> "10.0.0.2"`, `properties.dhcpOptions.dnsServers[1]: "10.0.0.2" -> "10.0.0.1"`}},
	{"a longer sequence", `{"command":["a"]}`, `{"command":["a","b"]}`, []string{`properties.command[1]: none -> "b"`}},
	{"namesakes in another order", `{"rules":[{"name":"a","p":1},{"name":"b","p":2}]}`, `{"rules":[{"name":"b","p":3},{"name":"A","p":1}]}`,
		[]string{`properties.rules[A].name: "a" -> "A"`, `properties.rules[b].p: 2 -> 3`}},
	{"by id, of which the last is told", `{"s":[{"id":"/subscriptions/x/subnets/one","p":1}]}`, `{"s":[{"id":"/Subscriptions/x/subnets/ONE","p":2},{"id":"/subscriptions/x/subnets/two"}]}`,
		[]string{`properties.s[ONE].p: 1 -> 2`, `properties.s[two]: none -> {"id":"/subscriptions/x/subnets/two"}`}},
	{"names that are not unique", `{"a":[{"name":"x","v":1},{"name":"x","v":2}]}`, `{"a":[{"name":"x","v":2},{"name":"x","v":1}]}`, nil},
	{"objects without names", `{"ipRules":[{"value":"1.1.1.1","action":"Allow"},{"value":"2.2.2.2"}]}`, `{"ipRules":[{"value":"2.2.2.2"},{"action":"Allow","value":"1.1.1.1"}]}`, nil},
	{"one of them changed", `{"ipRules":[{"value":"1.1.1.1"},{"value":"2.2.2.2"}]}`, `{"ipRules":[{"value":"3.3.3.3"},{"value":"1.1.1.1"}]}`, []string{`properties.ipRules[].value: "2.2.2.2" -> "3.3.3.3"`}},
	{"several changed", `{"a":[{"v":1},{"v":2}]}`, `{"a":[{"v":3},{"v":4}]}`, []string{`properties.a[]: {"v":1} -> none`, `properties.a[]: {"v":2} -> none`, `properties.a[]: none -> {"v":3}`, `properties.a[]: none -> {"v":4}`}},
	{"sets in sets", `{"a":[{"v":["x","y"],"n":null},{"v":["z"]}]}`, `{"a":[{"v":["z"]},{"v":["y","x"]}]}`, nil},
	{"noise in sets", `{"a":[{"v":1,"etag":"1"},{"v":2,"etag":"2"}]}`, `{"a":[{"v":2,"etag":"3"},{"v":1,"etag":"4"}]}`, nil},
	{"a list for an object", `{"a":[1]}`, `{"a":{"b":1}}`, []string{`properties.a: [1] -> {"b":1}`}},

	{"no JSON", `{"a":`, `{"a":1}`, []string{`properties: "{\"a\":" -> {"a":1}`}},
	{"deep", strings.Repeat(`{"a":`, 3000) + "1" + strings.Repeat("}", 3000), strings.Repeat(`{"a":`, 3000) + "2" + strings.Repeat("}", 3000), []string{"properties" + strings.Repeat(".a", 3000) + ": 1 -> 2"}},
	{"deep lists", `{"b":[` + strings.Repeat(`[`, 3000) + "1" + strings.Repeat("]", 3000) + `,2]}`, `{"b":[2,` + strings.Repeat(`[`, 3000) + "1" + strings.Repeat("]", 3000) + `]}`, nil},
	{"deep in lists", `{"b":[` + strings.Repeat(`{"a":`, 3000) + "1" + strings.Repeat("}", 3000) + `,2]}`, `{"b":[2,` + strings.Repeat(`{"a":`, 3000) + "1" + strings.Repeat("}", 3000) + `]}`, nil},
	{"white space", "{ \"a\" : 1 ,\n\"b\":[ 1, 2 ]}", `{"b":[1,2],"a":1}`, nil},
	{"many properties", many(300, 1), many(300, 2), []string{"properties.p299: 1 -> 2"}},
	{"an escaped key", `{"\u0061":1,"q\"":{"x":1}}`, `{"a":2,"q\"":{"x":2}}`, []string{`properties.a: 1 -> 2`, `properties["q\""].x: 1 -> 2`}},
	{"braces in texts", `{"a":"}{\\","b":1}`, `{"a":"}{\\","b":2}`, []string{`properties.b: 1 -> 2`}},
}

// many is an object with so many properties, of which the last is v.
func many(n, v int) string {
	var b strings.Builder
	for i := range n - 1 {
		fmt.Fprintf(&b, `"p%d":0,`, i)
	}
	return fmt.Sprintf(`{%s"p%d":%d}`, b.String(), n-1, v)
}

// FuzzText: what is compared as text comes to the same as what is decoded first.
func FuzzText(f *testing.F) {
	for _, tc := range propertyCases {
		if len(tc.before) < 1000 {
			f.Add(tc.before, tc.after)
		}
	}
	f.Add(`{"a":1,}`, `{"a":1}`)
	f.Add(`{"a" 1}`, `{"a":]}`)
	f.Add(`{"a":1,"a":2}`, `{"a":2}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		asText, asValue := comparison{typ: "a.b/c"}, comparison{typ: "a.b/c"}
		asText.document(column("properties"), before, after)
		if !json.Valid([]byte(before)) || !json.Valid([]byte(after)) {
			return // it has not failed
		}
		asValue.value(column("properties"), decoded(before), decoded(after))
		if diff := cmp.Diff(inPathOrder(asValue.found), inPathOrder(asText.found)); diff != "" {
			t.Error(diff)
		}
	})
}

func compareDocuments(t *testing.T, before, after string, told bool, want []string) {
	t.Helper()
	c := comparison{typ: "microsoft.web/sites", told: told}
	c.document(column("properties"), before, after)
	var got []string
	for _, p := range inPathOrder(c.found) {
		got = append(got, propertyLine(p))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestToldByTheOther compares what Resource Graph told with what Resource Manager told.
func TestToldByTheOther(t *testing.T) {
	for _, tc := range []struct {
		name, before, after string
		want                []string
	}{
		{"what only one of them knows", `{"a":1,"extended":{"x":1}}`, `{"a":1,"keyPolicy":{"y":1}}`, nil},
		{"a value", `{"a":1,"b":2}`, `{"a":2}`, []string{`properties.a: 1 -> 2`}},
		{"the case of a text", `{"tier":"standard"}`, `{"tier":"Standard"}`, nil},
		{"an element is never unknown", `{"rules":[{"name":"a"}]}`, `{"rules":[{"name":"a","x":1},{"name":"b"}]}`, []string{`properties.rules[b]: none -> {"name":"b"}`}},
		{"elements without names", `{"a":[{"v":1},{"v":2}]}`, `{"a":[{"v":1,"x":1},{"v":2,"x":1}]}`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			compareDocuments(t, tc.before, tc.after, true, tc.want)
		})
	}
}

// TestNoise has a case for every rule: a document in which only that changes, and, where it counts, one in which it does.
func TestNoise(t *testing.T) {
	used := map[string]bool{}
	for _, tc := range []struct {
		rule, typ, before, after string // documents of the whole row, or properties alone
		differs                  bool
	}{
		{"**.etag", "", `{"etag":"1","subnets":[{"name":"a","etag":"1"}]}`, `{"etag":"2","subnets":[{"name":"a","etag":"2"}]}`, false},
		{"**.@odata.etag", "", `{"@odata.etag":"1"}`, `{"@odata.etag":"2"}`, false},
		{"**.systemdata", "", `{"systemData":{"lastModifiedAt":"1"}}`, `{"systemData":{"lastModifiedAt":"2","by":"me"}}`, false},
		{"**.resourceversion", "", `{"resourceVersion":1}`, `{"resourceVersion":2}`, false},
		{"**.lastmodified*", "", `{"lastModifiedTimeUtc":"1","lastModifiedBy":"a"}`, `{"lastModifiedTimeUtc":"2","lastModifiedBy":"b"}`, false},
		{"**.lastupdate*", "", `{"lastUpdatedTime":"1"}`, `{"lastUpdatedTime":"2"}`, false},
		{"**.lastchanged*", "", `{"lastChangedTime":"1"}`, `{"lastChangedTime":"2"}`, false},
		{"**.modifiedon", "", `{"modifiedOn":"1"}`, `{"modifiedOn":"2"}`, false},
		{"**.modifiedat", "", `{"modifiedAt":"1"}`, `{"modifiedAt":"2"}`, false},
		{"**.modifieddate", "", `{"modifiedDate":"1"}`, `{"modifiedDate":"2"}`, false},
		{"**.updatedon", "", `{"updatedOn":"1"}`, `{"updatedOn":"2"}`, false},
		{"**.updatedat", "", `{"updatedAt":"1"}`, `{"updatedAt":"2"}`, false},
		{"**.updatedtime", "", `{"updatedTime":"1"}`, `{"updatedTime":"2"}`, false},
		{"**.updatedby", "", `{"updatedBy":"1"}`, `{"updatedBy":"2"}`, false},
		{"**.changedtime", "", `{"changedTime":"1"}`, `{"changedTime":"2"}`, false},
		{"**.accessedat", "", `{"accessedAt":"1"}`, `{"accessedAt":"2"}`, false},
		{"**.laststatuschange*", "", `{"lastStatusChangeTime":"1"}`, `{"lastStatusChangeTime":"2"}`, false},
		{"**.lastheartbeat*", "", `{"lastHeartBeatTime":"1"}`, `{"lastHeartBeatTime":"2"}`, false},
		{"**.lastsync*", "", `{"lastSyncTime":"1"}`, `{"lastSyncTime":"2"}`, false},
		{"**.lastrun*", "", `{"lastRunTime":"1"}`, `{"lastRunTime":"2"}`, false},
		{"**.lastseen*", "", `{"lastSeenAt":"1"}`, `{"lastSeenAt":"2"}`, false},
		{"**.lastskuupdate", "", `{"sku":{"lastSkuUpdate":"1"}}`, `{"sku":{"lastSkuUpdate":"2"}}`, false},
		{"**.lastbackup*", "", `{"lastBackupTime":"1"}`, `{"lastBackupTime":"2"}`, false},
		{"**.lastrecoverypoint", "", `{"lastRecoveryPoint":"1"}`, `{"lastRecoveryPoint":"2"}`, false},
		{"**.latestrestorabletimestamp", "", `{"latestRestorableTimestamp":"1"}`, `{"latestRestorableTimestamp":"2"}`, false},
		{"**.earliestrestore*", "", `{"earliestRestoreDate":"1"}`, `{"earliestRestoreDate":"2"}`, false},
		{"**.lastgeofailovertime", "", `{"lastGeoFailoverTime":"1"}`, `{"lastGeoFailoverTime":"2"}`, false},
		{"**.quotanextresettime", "", `{"workspaceCapping":{"quotaNextResetTime":"1"}}`, `{"workspaceCapping":{"quotaNextResetTime":"2"}}`, false},
		{"**.lastoperation*", "", `{"lastOperationId":"1"}`, `{"lastOperationId":"2"}`, false},
		{"properties.extended", "", `{"extended":{"instanceView":{"powerState":"running"}}}`, `{}`, false},
		{"properties.extended", "", `{"a":{"extended":1}}`, `{"a":{"extended":2}}`, true},
		{"**.instanceview", "", `{"instanceView":{"x":1}}`, `{"instanceView":{"x":2}}`, false},
		{"**.healthstatus", "", `{"healthStatus":"Passed"}`, `{"healthStatus":"Failed"}`, false},
		{"**.healthstate", "", `{"healthState":"1"}`, `{"healthState":"2"}`, false},
		{"**.countdetails", "", `{"countDetails":{"activeMessageCount":1}}`, `{"countDetails":{"activeMessageCount":2}}`, false},
		{"**.messagecount", "", `{"messageCount":1}`, `{"messageCount":2}`, false},
		{"properties.sizeinbytes", "", `{"sizeInBytes":1}`, `{"sizeInBytes":2}`, false},
		{"properties.numberofsites", "microsoft.web/serverfarms", `{"numberOfSites":1}`, `{"numberOfSites":2}`, false},
		{"properties.numberofsites", "contoso.own/things", `{"numberOfSites":1}`, `{"numberOfSites":2}`, true},
		{"properties.numberofworkers", "microsoft.web/serverfarms", `{"numberOfWorkers":1}`, `{"numberOfWorkers":2}`, false},
		{"properties.usagestate", "microsoft.web/sites", `{"usageState":"Normal"}`, `{"usageState":"Exceeded"}`, false},
		{"**.provisioningstate", "", `{"provisioningState":"Updating"}`, `{"provisioningState":"Succeeded"}`, false},
		{"**.provisioningstate", "", `{"provisioningState":"Succeeded"}`, `{"provisioningState":"Failed"}`, true},
		{"raw.signinactivity", "", `raw {"signInActivity":{"x":1}}`, `raw {"signInActivity":{"x":2}}`, false},
		{"raw.refreshtokensvalidfromdatetime", "", `raw {"refreshTokensValidFromDateTime":"1"}`, `raw {"refreshTokensValidFromDateTime":"2"}`, false},
		{"raw.signinsessionsvalidfromdatetime", "", `raw {"signInSessionsValidFromDateTime":"1"}`, `raw {"signInSessionsValidFromDateTime":"2"}`, false},
		{"raw.onpremiseslastsyncdatetime", "", `raw {"onPremisesLastSyncDateTime":"1"}`, `raw {"onPremisesLastSyncDateTime":"2"}`, false},
		{"raw.reneweddatetime", "", `raw {"renewedDateTime":"1"}`, `raw {"renewedDateTime":"2"}`, false},
		{"", "", `tags {"etag":"1","lastModified":"x"}`, `tags {"etag":"2","lastModified":"y"}`, true}, // people's own
		{"", "", `{"resourceGuid":"1"}`, `{"resourceGuid":"2"}`, true},
		{"", "", `{"createdAt":"1"}`, `{"createdAt":"2"}`, true}, // made anew
	} {
		used[tc.rule] = true
		name, before, ok := strings.Cut(tc.before, " ")
		_, after, _ := strings.Cut(tc.after, " ")
		if !ok || strings.HasPrefix(name, "{") {
			name, before, after = "properties", tc.before, tc.after
		}
		c := comparison{typ: tc.typ}
		c.document(column(name), before, after)
		if (len(c.found) > 0) != tc.differs {
			t.Errorf("%s of %q: %s and %s give %d differences", tc.rule, tc.typ, tc.before, tc.after, len(c.found))
		}
	}
	for _, r := range noise {
		if !used[r.path] {
			t.Errorf("the rule %s has no case", r.path)
		}
	}
}

// TestSecretsAreHidden: a change of a secret is told, the secret is not.
func TestSecretsAreHidden(t *testing.T) {
	const secret = "hunter2-correct-horse"
	for name, tc := range map[string]struct{ before, after string }{
		"by the name":                {`{"adminPassword":"old"}`, `{"adminPassword":"` + secret + `"}`},
		"below the name":             {`{"protectedSettings":{"a":{"b":"old"}}}`, `{"protectedSettings":{"a":{"b":"` + secret + `"}}}`},
		"a whole object":             {`{}`, `{"protectedSettings":{"a":["` + secret + `"]}}`},
		"a setting in a list":        {`{"appSettings":[{"name":"DB_KEY","value":"old"}]}`, `{"appSettings":[{"name":"DB_KEY","value":"` + secret + `"}]}`},
		"a new setting in a list":    {`{"appSettings":[]}`, `{"appSettings":[{"name":"DB_PASSWORD","value":"` + secret + `"}]}`},
		"a new one among others":     {`{"appSettings":[{"name":"x","value":"y"}]}`, `{"appSettings":[{"name":"x","value":"y"},{"name":"API_KEY","value":"` + secret + `"}]}`},
		"a setting of an object":     {`{"appSettings":{"DB_KEY":"old"}}`, `{"appSettings":{"DB_KEY":"` + secret + `"}}`},
		"a number":                   {`{"pinSecret":1}`, `{"pinSecret":427182}`},
		"by its form":                {`{"url":"x"}`, `{"url":"https://x.blob.core.windows.net/c?sv=2020-01-01&sig=` + strings.Repeat("hunter2a", 6) + `"}`},
		"by its form, in a new list": {`{}`, `{"connections":[{"a":"AccountName=x;AccountKey=hunter2` + strings.Repeat("ab+/", 10) + `"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			c := comparison{typ: "microsoft.web/sites"}
			c.document(column("properties"), tc.before, tc.after)
			if len(c.found) == 0 {
				t.Fatal("no difference")
			}
			for _, p := range c.found {
				if line := propertyLine(p); strings.Contains(line, "hunter2") || strings.Contains(line, "427182") || !strings.Contains(line, hidden) {
					t.Errorf("%s", line)
				}
			}
		})
	}
	c := comparison{}
	c.document(column("properties"), `{"secretUri":"https://v/secrets/a","password":""}`, `{"secretUri":"https://v/secrets/b","password":"@Microsoft.KeyVault(SecretUri=https://v/secrets/x)"}`)
	for _, p := range c.found {
		if strings.Contains(propertyLine(p), hidden) {
			t.Errorf("it says where a secret is, not what: %s", propertyLine(p))
		}
	}
}
