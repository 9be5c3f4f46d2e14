// Package gqlgen is what gqlgen generates from schema.graphql, and how it is run.
package gqlgen

import (
	"bytes"
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
)

// Data holds what the resolvers give: structs that are there already. It encodes
// as a response's data where one of them is.
type Data struct {
	Order *Order `json:"order,omitempty"`
	Wide  *Wide  `json:"wide,omitempty"`
	Rows  []*Row `json:"rows,omitempty"`
}

// resolvers give what Data holds.
type resolvers struct{ data *Data }

func (r resolvers) Query() QueryResolver                  { return r }
func (r resolvers) Order(context.Context) (*Order, error) { return r.data.Order, nil }
func (r resolvers) Wide(context.Context) (*Wide, error)   { return r.data.Wide, nil }
func (r resolvers) Rows(context.Context) ([]*Row, error)  { return r.data.Rows, nil }

// Operation is a query, parsed and validated, with the structs that it is to be
// executed on.
type Operation struct {
	schema  graphql.ExecutableSchema
	context context.Context
	write   graphql.Marshaler
}

// Prepare parses and validates a query.
func Prepare(query string, data *Data) (*Operation, error) {
	schema := NewExecutableSchema(Config{Resolvers: resolvers{data}})
	params := &graphql.RawParams{Query: query}
	ctx := graphql.StartOperationTrace(context.Background())
	operation, errs := executor.New(schema).CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return nil, errs
	}
	ctx = graphql.WithOperationContext(ctx, operation)
	ctx = graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	state := newExecutionContext(operation, schema.(*executableSchema), nil)
	o := &Operation{schema: schema, context: ctx, write: state._Query(ctx, operation.Operation.SelectionSet)}
	if errs := graphql.GetErrors(ctx); len(errs) > 0 {
		return nil, errs
	}
	return o, nil
}

// Execute marshals the structs as gqlgen does for a request: with its generated
// code, up to the bytes of the response's data.
func (o *Operation) Execute() []byte {
	return o.schema.Exec(o.context)(o.context).Data
}

// Write does the last step of Execute alone, on what the first gave once: a
// function for each field that knows its value.
func (o *Operation) Write(dst *bytes.Buffer) { o.write.MarshalGQL(dst) }
