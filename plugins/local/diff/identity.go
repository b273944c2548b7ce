package diff

import (
	"context"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// noLongerNamed is what is to be known of an identity that the other scan would have read if something had named it.
const noLongerNamed = "nothing names it in the other snapshot"

// deletedAndNamed is what is to be known of an identity of which one snapshot has no more than that something names it.
const deletedAndNamed = "something in the other snapshot names it, but the directory does not have it"

// compareIdentities compares what Microsoft Entra has. They are in no subscription, so that a filter leaves them out.
func (r *run) compareIdentities(ctx context.Context) error {
	if !r.people {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	key := func(i graph.Identity) string { return i.ObjectID }
	return merge(newFeed(ctx, r.Before.Identities), newFeed(ctx, r.After.Identities), key, func(before, after []graph.Identity) error {
		switch {
		case len(after) == 0:
			return r.identityAlone(before[0], r.after, Removed)
		case len(before) == 0:
			return r.identityAlone(after[0], r.before, Added)
		}
		return r.identityBoth(before[0], after[0])
	})
}

func identityChange(change string, i graph.Identity) *Change {
	return &Change{Change: change, Kind: KindIdentity, ID: i.ObjectID, Name: i.Name, Type: string(i.Kind)}
}

func (r *run) identityAlone(i graph.Identity, other *seen, change string) error {
	if i.State == graph.IdentityDeleted { // it is gone in both, and only one of them names it
		return nil
	}
	c := identityChange(change, i)
	if why := other.identity(string(i.Kind)); why != "" {
		c.Change, c.Reason, c.In = Unknown, why, r.otherSide(other)
	} else if other.namedAlone() {
		c.Reason = noLongerNamed
	}
	return r.tell(c)
}

func (r *run) otherSide(s *seen) string {
	if s == r.before {
		return r.after.side
	}
	return r.before.side
}

func (r *run) identityBoth(b, a graph.Identity) error {
	if b.State == graph.IdentityUnreadable || a.State == graph.IdentityUnreadable {
		if b.State == a.State {
			return nil
		}
		c := identityChange(Unknown, a)
		c.Reason, c.In = "the scan "+r.before.side+" could not read it", r.after.side
		if a.State == graph.IdentityUnreadable {
			c.Name, c.Reason, c.In = b.Name, "the scan "+r.after.side+" could not read it", r.before.side
		}
		return r.tell(c)
	}
	if b.State != a.State {
		c := identityChange(Removed, b)
		if b.State == graph.IdentityDeleted {
			c = identityChange(Added, a)
		}
		c.Reason = deletedAndNamed
		return r.tell(c)
	}
	if a.State == graph.IdentityDeleted { // all that is known of it is a guess
		return nil
	}
	c := comparison{typ: KindIdentity}
	c.value(column("kind"), string(b.Kind), string(a.Kind))
	c.value(column("resource_id"), orNil(b.ResourceID), orNil(a.ResourceID))
	if len(b.Raw) > 0 && len(a.Raw) > 0 {
		c.document(column("raw"), string(b.Raw), string(a.Raw))
	} else { // what the snapshot knows of it all the same
		c.value(column("name"), orNil(b.Name), orNil(a.Name))
		c.value(column("login"), orNil(b.Login), orNil(a.Login))
		c.value(column("app_id"), orNil(b.AppID), orNil(a.AppID))
		c.value(column("enabled"), truth(b.Enabled), truth(a.Enabled))
	}
	if len(c.found) == 0 {
		return nil
	}
	change := identityChange(Changed, a)
	change.Properties = inPathOrder(c.found)
	return r.tell(change)
}

func truth(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

// compareMemberships compares who belongs to which group.
func (r *run) compareMemberships(ctx context.Context) error {
	if !r.people {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	key := func(m graph.Membership) string { return m.GroupID + "/" + m.MemberID }
	return merge(newFeed(ctx, r.Before.Memberships), newFeed(ctx, r.After.Memberships), key, func(before, after []graph.Membership) error {
		switch {
		case len(after) == 0:
			return r.membershipAlone(ctx, before[0], r.Before, r.after, Removed)
		case len(before) == 0:
			return r.membershipAlone(ctx, after[0], r.After, r.before, Added)
		}
		return nil
	})
}

func (r *run) membershipAlone(ctx context.Context, m graph.Membership, reader *graph.Reader, other *seen, change string) error {
	c := &Change{Change: change, Kind: KindMembership, ID: m.GroupID + "/" + m.MemberID, Name: m.GroupID, Principal: m.MemberID}
	for id, into := range map[string]*string{m.GroupID: &c.Name, m.MemberID: &c.Principal} {
		i, ok, err := reader.IdentityOf(ctx, id)
		if err != nil {
			return err
		}
		if ok && i.Name != "" {
			*into = i.Name
		}
	}
	if why := other.identity(""); why != "" {
		c.Change, c.Reason, c.In = Unknown, why, r.sideOf(reader)
	} else if other.namedAlone() {
		c.Reason = noLongerNamed
	}
	return r.tell(c)
}

// tellGaps tells where one of the scans has not read everything that the filter asks for: things may have changed there, and nobody knows.
func (r *run) tellGaps(context.Context) error {
	for _, side := range []struct {
		seen   *seen
		reader *graph.Reader
	}{{r.before, r.Before}, {r.after, r.After}} {
		for _, gap := range side.reader.Coverage().Gaps() {
			if !concerns(r.filter, gap) {
				continue
			}
			c := &Change{Change: Unknown, Kind: KindGap, ID: gap.Scope, Name: gap.Name, Type: gap.Kind, Reason: side.seen.say(lacking(gap))}
			if gap.Scope != tenantScope && gap.Scope != restScope {
				c.SubscriptionID = gap.Scope
			}
			if err := r.tell(c); err != nil {
				return err
			}
		}
	}
	return nil
}
