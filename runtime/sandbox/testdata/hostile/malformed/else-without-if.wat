;; An else without an if.
;;
;; upload: refused "else" in "function 0" at 25
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"           ;; a type () -> ()
  "\03\02\01\00"                 ;; a function of it
  "\0a\07\01\05\00\02\40\05\0b") ;; the body: block else end
