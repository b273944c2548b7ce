package launch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvironment(t *testing.T) {
	unix := []string{
		"PATH=/bin", "HOME=/home/a", "XDG_DATA_HOME=/d", "TMPDIR=/t", "LANG=C", "LC_ALL=C", "TZ=UTC",
		"HTTPS_PROXY=http://p", "https_proxy=http://q", "NO_PROXY=*", "SSL_CERT_FILE=/ca", "SSL_CERT_DIR=/cas",
		"TRACEPARENT=00-1-2-01",
	}
	azure := []string{
		"AZURE_CLIENT_SECRET=s", "ATG_AZURE_AUTHORITY_HOST=h", "ATG_SECRET_SQL=q", "IDENTITY_ENDPOINT=e", "MSI_SECRET=m", "IMDS_ENDPOINT=i",
	}
	other := []string{
		"ATG_API_KEY=k", "ATG_SERVICE_URL=u", "AWS_SECRET_ACCESS_KEY=a", "ACME_TOKEN=t", "path=/lower", "LD_PRELOAD=/x.so",
		"ATG_BACKEND_COOKIE=c", "PLUGIN_UNIX_SOCKET_DIR=/s", "PATHS=/more", "", "noequals", "=C:=C:\\", "SSH_AUTH_SOCK=/s", "USERPROFILE=/x",
	}
	all := append(append(append([]string{}, unix...), azure...), other...)
	windows := []string{
		"Path=C:\\bin", "SystemRoot=C:\\Windows", "APPDATA=C:\\r", "LocalAppData=C:\\l", "TEMP=C:\\t", "tmp=C:\\t", "UserProfile=C:\\u",
		"ComSpec=cmd.exe", "PathExt=.EXE", "ProgramData=C:\\p", "https_proxy=http://p",
	}

	cases := map[string]struct {
		windows bool
		name    string
		bundled bool
		allow   []string
		environ []string
		want    []string
	}{
		"a stranger":              {name: "acme", environ: all, want: unix},
		"what it may have":        {name: "acme", allow: []string{"ACME_TOKEN"}, environ: all, want: append(append([]string{}, unix...), "ACME_TOKEN=t")},
		"the bundled local one":   {name: "local", bundled: true, environ: all, want: append(append([]string{}, unix...), azure...)},
		"one that is called so":   {name: "local", environ: all, want: unix},
		"the bundled remote one":  {name: "remote", bundled: true, environ: all, want: unix},
		"never the service's key": {name: "remote", bundled: true, allow: []string{"ATG_API_KEY", "ATG_*"}, environ: []string{"ATG_API_KEY=k", "ATG_SERVICE_URL=u"}, want: []string{"ATG_SERVICE_URL=u"}},
		"values with equal signs": {name: "acme", allow: []string{"X"}, environ: []string{"X=a=b", "X="}, want: []string{"X=a=b", "X="}},
		"nothing at all":          {name: "acme", want: []string{}},
		"Windows": {
			windows: true, name: "acme", allow: []string{"Acme_Token"},
			environ: append([]string{"ACME_TOKEN=t", "atg_api_key=k", "Azure_Client_Id=i", "=C:=C:\\x", "ALLUSERSPROFILE=x"}, windows...),
			want:    append([]string{"ACME_TOKEN=t"}, windows...),
		},
		"Windows, the bundled local one": {
			windows: true, name: "local", bundled: true,
			environ: []string{"Azure_Client_Id=i", "atg_api_key=k"}, want: []string{"Azure_Client_Id=i"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, environment(c.windows, c.name, c.bundled, c.allow, c.environ)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
