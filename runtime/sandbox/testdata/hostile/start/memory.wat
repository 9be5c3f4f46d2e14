;; A start function that takes all the memory it can get and traps.
;;
;; upload: admitted
;; run Subscription.f: MEMORY_LIMIT memoryBytes "start: memory.grow past the limit of 16777216 bytes was refused, then the run trapped"
;; run Subscription.ok: MEMORY_LIMIT memoryBytes "start: memory.grow past the limit of 16777216 bytes was refused, then the run trapped"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (start $begin)
  (func $begin
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (unreachable))
  (func (export "Subscription.f") (result i32) (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
