package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// unknownField is the number of a field that no message of this version has.
const unknownField = 9999

// Newer is a backend called as a host of a later version would: every message that it sends has fields at every level that
// this version does not know.
type Newer struct{ *Client }

// DialSocket connects with a backend at a Unix socket, as a host of this version and as a newer one. The backend's errors
// are those of Client; end ends both.
func DialSocket(path string) (client *Client, newer Newer, end func() error, err error) {
	conn, err := grpc.NewClient("unix:"+path, append(DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())...)
	if err != nil {
		return nil, Newer{}, nil, err
	}
	return NewClient(conn), Newer{NewClient(newerConn{conn})}, conn.Close, nil
}

// SubmitUnknown submits an operation that this version does not know.
func (n Newer) SubmitUnknown(ctx context.Context) error {
	_, err := call(ctx, n.Client, n.stub.Submit, &v1.Submission{Request: &v1.Request{}}) // its case is among the unknown fields
	return err
}

type newerConn struct{ grpc.ClientConnInterface }

func (c newerConn) Invoke(ctx context.Context, method string, in, out any, options ...grpc.CallOption) error {
	return c.ClientConnInterface.Invoke(ctx, method, withUnknown(in), out, options...)
}

func (c newerConn) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := c.ClientConnInterface.NewStream(ctx, d, method, options...)
	return newerStream{s}, err
}

type newerStream struct{ grpc.ClientStream }

func (s newerStream) SendMsg(m any) error { return s.ClientStream.SendMsg(withUnknown(m)) }

// withUnknown is a copy of a message to which fields were added that it does not know.
func withUnknown(m any) any {
	known, ok := m.(proto.Message)
	if !ok {
		return m
	}
	changed := proto.Clone(known)
	addUnknown(changed.ProtoReflect())
	return changed
}

func addUnknown(m protoreflect.Message) {
	text := protowire.AppendString(protowire.AppendTag(nil, unknownField, protowire.BytesType), "of a later version")
	m.SetUnknown(protowire.AppendVarint(protowire.AppendTag(text, unknownField+1, protowire.VarintType), 1))
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
		case field.IsList():
			for i := range value.List().Len() {
				addUnknown(value.List().Get(i).Message())
			}
		default:
			addUnknown(value.Message())
		}
		return true
	})
}
