;; A start function that takes all the memory there is. Every run starts with it, and with what
;; start wrote to its last page.
;;
;; upload: admitted
;; run Subscription.f: skip
;; run Subscription.look: skip
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "look: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (start $begin)
  (func $begin
    (drop (memory.grow (i32.const 255)))
    (i32.store (i32.const 0xfffffc) (i32.const 7)))
  (func (export "Subscription.f") (result i32)
    (memory.fill (i32.const 32) (i32.const 0) (i32.const 0xffffe0))
    (i32.const 0))
  (func (export "Subscription.look") (result i32)
    (i32.or (i32.sub (memory.size) (i32.const 256)) (i32.sub (i32.load (i32.const 0xfffffc)) (i32.const 7))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
