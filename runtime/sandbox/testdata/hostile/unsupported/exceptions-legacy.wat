;; A try as it was before it was standard.
;;
;; upload: refused "not supported: exceptions" in "function 0" at 23
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"                 ;; a type () -> ()
  "\03\02\01\00"                       ;; a function of it
  "\0a\09\01\07\00\06\40\00\19\0b\0b") ;; its body: try unreachable catch_all end
