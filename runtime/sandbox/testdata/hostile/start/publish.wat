;; A start function that publishes an event, for whichever tenant it may be.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "start: publish: allowed in Mutation resolvers only"
;; run Subscription.ok: RESOLVER_TRAP "start: publish: allowed in Mutation resolvers only"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (start $begin)
  (func $begin
    (drop (call $publish (i32.const 17) (i32.const 2) (i32.const 16) (i32.const 4))))
  (func (export "Subscription.f") (result i32) (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
