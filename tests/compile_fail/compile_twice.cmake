# cmake -DCOMPILER=c++ -DSOURCE=case.cpp -DROOT=dir -P compile_twice.cmake
set(flags -std=c++20 -fsyntax-only -I${ROOT} -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_BEAST_SEPARATE_COMPILATION
    -DBOOST_ASIO_NO_DEPRECATED -DBOOST_ASIO_HAS_STD_COROUTINE -DJSON_USE_IMPLICIT_CONVERSIONS=0 -DSPDLOG_FMT_EXTERNAL)

file(STRINGS ${SOURCE} expected REGEX "^// must say: ")
if(NOT expected)
    message(FATAL_ERROR "${SOURCE} has no line '// must say: REGEX'")
endif()
string(REGEX REPLACE "^// must say: " "" expected "${expected}")

execute_process(COMMAND ${COMPILER} ${flags} ${SOURCE} RESULT_VARIABLE result ERROR_VARIABLE messages)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "must compile without MUST_FAIL:\n${messages}")
endif()

execute_process(COMMAND ${COMPILER} ${flags} -DMUST_FAIL ${SOURCE} RESULT_VARIABLE result ERROR_VARIABLE messages)
if(result EQUAL 0)
    message(FATAL_ERROR "compiles with MUST_FAIL: the protection is gone")
endif()
if(NOT messages MATCHES "${expected}")
    message(FATAL_ERROR "fails, but not with '${expected}':\n${messages}")
endif()
