;; A guest that does not look at what memory.grow gave, and writes where there is nothing.
;;
;; upload: admitted
;; run Subscription.f: MEMORY_LIMIT memoryBytes "memory.grow past the limit of 16777216 bytes was refused, then the run trapped"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (drop (memory.grow (i32.const 60000)))
    (i32.store (i32.const 0x7fffffff) (i32.const 1))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
