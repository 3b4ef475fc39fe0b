// A library under a name of llama.cpp's that has none of its functions.
int foreign_answer(void) { return 42; }
