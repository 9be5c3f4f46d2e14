;; An atomic wait, which would block the host.
;;
;; upload: refused "not supported: threads" in "function 0" at 46
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))
