;; More functions than bodies.
;;
;; upload: refused "2 functions declared, 1 bodies given" at 25
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"  ;; a type () -> ()
  "\03\03\02\00\00"     ;; two functions
  "\0a\04\01\02\00\0b") ;; one body
