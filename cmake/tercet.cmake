# Build vocabulary of Tercet: one function per kind of target, so that every folder's CMakeLists.txt
# is a list of its files and of the modules it may link.

option(TERCET_FUZZ "build fuzz targets with libFuzzer (clang)" OFF)
set(TERCET_SANITIZE "" CACHE STRING "sanitizers for every target, e.g. address,undefined or thread")

set(TC_WARNINGS -Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -Wswitch-enum -Wvla
    -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wwrite-strings -Wpointer-arith)
# TC_ASSERT(!"why this cannot be reached") is our idiom; clang's -Wconversion objects to it.
if(CMAKE_C_COMPILER_ID MATCHES Clang)
    list(APPEND TC_WARNINGS -Wno-string-conversion)
endif()
# GCC's value-range warnings misfire under sanitizers and are not checked there.
if(TERCET_SANITIZE)
    add_compile_options(-fsanitize=${TERCET_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=undefined)
    add_link_options(-fsanitize=${TERCET_SANITIZE})
endif()
add_compile_options(-fstack-protector-strong)
include_directories(${PROJECT_SOURCE_DIR}/lib)

# tc_add_children(folder): every folder below that has a CMakeLists.txt of its own, in name order;
# the folder itself first.
function(tc_add_children folder)
    if(EXISTS ${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt)
        add_subdirectory(${PROJECT_SOURCE_DIR}/${folder})
        return()
    endif()
    file(GLOB lists CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*/CMakeLists.txt
        ${PROJECT_SOURCE_DIR}/${folder}/*/*/CMakeLists.txt
        ${PROJECT_SOURCE_DIR}/${folder}/*/*/*/CMakeLists.txt)
    list(SORT lists)
    foreach(list ${lists})
        get_filename_component(dir ${list} DIRECTORY)
        add_subdirectory(${dir})
    endforeach()
endfunction()

# tc_library(target LINK a b ...): a static module library of every .c file in this folder.
# Libraries under lib/core are pure: strict C17, no POSIX names at all.
function(tc_library target)
    cmake_parse_arguments(ARG "" "" "LINK;DEFS;SOURCES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS *.c)
    add_library(${target} STATIC ${sources} ${ARG_SOURCES})
    target_compile_options(${target} PRIVATE ${TC_WARNINGS})
    target_link_libraries(${target} PUBLIC ${ARG_LINK})
    if(NOT CMAKE_CURRENT_SOURCE_DIR MATCHES "/lib/core")
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE ${ARG_DEFS})
    endif()
endfunction()

# tc_daemon(target LINK ...): an executable of every .c file in this folder.
function(tc_daemon target)
    cmake_parse_arguments(ARG "" "" "LINK;DEFS;SOURCES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS *.c)
    add_executable(${target} ${sources} ${ARG_SOURCES})
    target_compile_options(${target} PRIVATE ${TC_WARNINGS})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE ${ARG_DEFS})
    target_link_libraries(${target} PRIVATE ${ARG_LINK})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    install(TARGETS ${target} RUNTIME DESTINATION bin)
endfunction()

# What TSan and libFuzzer builds need is a part of the tree: targets daemon_tests and fuzz_targets.
add_custom_target(daemon_tests)
add_custom_target(fuzz_targets)

# tc_test(name LINK ... [LABELS ...]): one cmocka binary of every .c file in this folder, run by ctest.
# Labels: unit (default), sim, daemon, integration; the dev script chooses by them.
function(tc_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "LINK;LABELS;DEFS;SOURCES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS *.c)
    add_executable(test_${name} ${sources} ${ARG_SOURCES})
    target_compile_options(test_${name} PRIVATE ${TC_WARNINGS} -Wno-missing-prototypes)
    target_compile_definitions(test_${name} PRIVATE _GNU_SOURCE ${ARG_DEFS}
        TC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    target_link_libraries(test_${name} PRIVATE ${ARG_LINK} cmocka)
    if(NOT ARG_LABELS)
        set(ARG_LABELS unit)
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
    if("daemon" IN_LIST ARG_LABELS)
        add_dependencies(daemon_tests test_${name})
    endif()
endfunction()

# tc_fuzz(name LINK ...): fuzz_<name>.c in this folder. With TERCET_FUZZ it is a libFuzzer binary;
# otherwise it becomes a test that replays the committed corpus (tests/fuzz/corpus/<name>) plus
# seeded mutations of it, so the decoders are exercised under ASan on every run.
function(tc_fuzz name)
    cmake_parse_arguments(ARG "" "" "LINK;DEFS" ${ARGN})
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    add_executable(fuzz_${name} fuzz_${name}.c)
    target_compile_options(fuzz_${name} PRIVATE ${TC_WARNINGS} -Wno-missing-prototypes)
    target_compile_definitions(fuzz_${name} PRIVATE _GNU_SOURCE ${ARG_DEFS})
    target_link_libraries(fuzz_${name} PRIVATE ${ARG_LINK})
    if(TERCET_FUZZ)
        target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        # libFuzzer keeps what it finds in the first folder, so that is one of the build.
        file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/found)
        add_test(NAME fuzz_${name} COMMAND fuzz_${name} -max_total_time=6 -rss_limit_mb=2048
            -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ ${CMAKE_CURRENT_BINARY_DIR}/found ${corpus})
    else()
        target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
        add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${corpus})
    endif()
    set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz TIMEOUT 120)
    add_dependencies(fuzz_targets fuzz_${name})
endfunction()
