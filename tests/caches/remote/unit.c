// One of many units that differ by their names.
int UNIT(void);
int UNIT(void) { return __LINE__; }
