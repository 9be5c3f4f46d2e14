;; An alignment that is larger than what is loaded.
;;
;; upload: refused "invalid memory alignment" in "function 0" at 40
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (i32.load align=8 (i32.const 0)))))
