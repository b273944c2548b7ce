package store

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// What the store consists of. Names begin with atg, because a cluster may serve others too.
const (
	queueStream  = "ATG_QUEUE"
	eventsStream = "ATG_EVENTS"
	deadStream   = "ATG_DEAD"

	recordsBucket   = "atg-records"
	snapshotsBucket = "atg-snapshots"
	keysBucket      = "atg-keys"
	manifestsBucket = "atg-files" // of files: what they consist of
	segmentsBucket  = "atg-files" // an object store; its name space is another one
)

// The subjects.
const (
	queuePrefix  = "atg.queue."  // <owner>.<job>
	queuedPrefix = "atg.queued." // the same, told once it is stored
	eventsPrefix = "atg.events." // <job>
	deadPrefix   = "atg.dead."   // <owner>.<job>
	cancelPrefix = "atg.cancel." // <job>: somebody wants it cancelled
	freePrefix   = "atg.free."   // <owner>, or shards.<lane>: a worker gave a job back or ended it
	havePrefix   = "atg.have."   // <job>: somebody asks whether it is at work
	inboxPrefix  = "atg.inbox"   // answers
)

// The key-value buckets' streams and subjects, as NATS names them (ADR-8).
func bucketStream(bucket string) string     { return "KV_" + bucket }
func bucketSubject(bucket, k string) string { return "$KV." + bucket + "." + k }

// token makes any text one token of a subject, a key, or a consumer's name; no two texts share one.
func token(text string) string {
	if plain(text) {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "=" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func plain(text string) bool {
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

func queueSubject(owner, id string) string { return queuePrefix + token(owner) + "." + token(id) }

// freeSubject is where the workers hear that a place of a job's lane is free. Workers of releases that knew no shards
// do not hear of those: they would take a shard for the whole scan.
func freeSubject(lane string, shard bool) string {
	if shard {
		return freePrefix + "shards." + lane
	}
	return freePrefix + lane
}

func eventsSubject(id string) string { return eventsPrefix + token(id) }

// The object store keeps what it knows of objects on these subjects, and their chunks on others (ADR-20).
const (
	segmentsStream = "OBJ_" + segmentsBucket
	objectSubjects = "$O." + segmentsBucket + ".M.*"
)

func chunkSubject(nuid string) string { return "$O." + segmentsBucket + ".C." + nuid }

func objectSubject(name string) string {
	return "$O." + segmentsBucket + ".M." + base64.URLEncoding.EncodeToString([]byte(name))
}

// fileKey is the manifest's key: the path's last, so that the files of one owner have a prefix.
func fileKey(n jobs.FileName) string {
	return token(string(n.Kind)) + "." + token(n.Of) + "." + token(n.Path)
}
