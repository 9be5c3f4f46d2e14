;; A memory that starts with all that can be addressed.
;;
;; upload: admitted
;; run Subscription.f: MEMORY_LIMIT memoryBytes "the module starts with 4294967296 bytes of memory, the limit is 16777216"
;; run Subscription.ok: MEMORY_LIMIT memoryBytes "the module starts with 4294967296 bytes of memory, the limit is 16777216"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 65536)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
