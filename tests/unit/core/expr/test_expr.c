#include "notation.h"

int main(void) {
    int failed = condition_tests();
    failed += error_tests();
    failed += key_tests();
    failed += legacy_tests();
    failed += update_tests();
    failed += model_tests();
    failed += update_model_tests();
    return failed;
}
