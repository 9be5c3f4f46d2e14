;; Numbers in as many bytes as they may have, which is allowed, and costs nothing but bytes.
;;
;; upload: admitted
;; run Subscription.f: skip
(module binary
  "\00asm\01\00\00\00"
  "\00\bf\80\80\80\00\0drunnel.schematype Subscription { f: String @on(channel: \22c\22) }"
  "\01\89\80\80\80\00\81\80\80\80\00\60\00\01\7f" ;; a type () -> i32
  "\03\86\80\80\80\00\01\80\80\80\80\00" ;; a function of it
  "\05\03\01\00\01" ;; a memory
  "\07\1b\02\06memory\02\00\0eSubscription.f\00\00" ;; the exports
  "\0a\8f\80\80\80\00\01\89\80\80\80\00\80\80\80\80\00\41\80\00\0b" ;; its body: i32.const 0
)
