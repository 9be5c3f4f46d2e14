;; A br_table with one label of a block that is not there.
;;
;; upload: refused "label 2 does not exist" in "function 0" at 44
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (block (br_table 0 1 2 0 (i32.const 0)))))
