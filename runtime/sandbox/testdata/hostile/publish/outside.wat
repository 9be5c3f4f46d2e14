;; Events published by what is no mutation.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "publish: allowed in Mutation resolvers only" published 0
;; run Query.f: RESOLVER_TRAP "publish: allowed in Mutation resolvers only" published 0
;; run Mutations.f: RESOLVER_TRAP "publish: allowed in Mutation resolvers only" published 0
(module
  (@custom "runnel.schema"
    "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }\n"
    "type Query { f: String }\n"
    "type Mutations { f: String }\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "c")
  (func (export "Subscription.f") (result i32)
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 16) (i32.const 4)))
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1))
  (func (export "Query.f") (result i32)
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 16) (i32.const 4)))
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1))
  (func (export "Mutations.f") (result i32)
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 16) (i32.const 4)))
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
