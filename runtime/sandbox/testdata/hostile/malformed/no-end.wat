;; A body that does not end.
;;
;; upload: refused "" in "function 0" at 25
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"     ;; a type () -> ()
  "\03\02\01\00"           ;; a function of it
  "\0a\05\01\03\00\01\01") ;; a body: nop, nop
