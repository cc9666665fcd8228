# Flags of our own code: they ride on one interface target, linked PRIVATE, so that other languages and packages are left alone.
add_library(project_options INTERFACE)
target_compile_options(project_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
    -Woverloaded-virtual -Wno-missing-field-initializers -Wextra-semi -Wformat=2 -Wundef -Werror>)
# gcc 12 warns inside its own library at -O2 (bugs 105329, 105651): not ours to mend.
target_compile_options(project_options INTERFACE
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict -Wno-maybe-uninitialized -Wno-dangling-pointer
    -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-mismatched-new-delete -Wno-nonnull>)
target_compile_options(project_options INTERFACE $<$<CONFIG:Debug>:-D_GLIBCXX_ASSERTIONS>)
target_include_directories(project_options INTERFACE ${CMAKE_SOURCE_DIR})
# Flags that must be the same in every object, precompiled headers included.
add_compile_options(-fno-omit-frame-pointer)
if(SLUICE_SANITIZE)
    add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SLUICE_SANITIZE})
    if(SLUICE_SANITIZE STREQUAL "thread")
        add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)  # Asio's fences
    endif()
endif()
find_program(MOLD mold)
if(MOLD)
    add_link_options(-fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
    add_compile_options($<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-fpch-preprocess>)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
find_library(RE2_LIBRARY re2 REQUIRED)  # its pkg-config file says -pthread, which the precompiled headers do not know
find_path(RE2_HEADERS re2/re2.h REQUIRED)
find_package(ICU REQUIRED COMPONENTS i18n uc)

# Third-party usage in one place: the same macros for everybody who sees Asio.
add_library(third_party INTERFACE)
target_link_libraries(third_party INTERFACE Threads::Threads OpenSSL::SSL OpenSSL::Crypto Boost::headers nlohmann_json::nlohmann_json
    spdlog::spdlog yaml-cpp SQLite::SQLite3 PkgConfig::HIREDIS ICU::uc)
target_compile_definitions(third_party INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_STD_COROUTINE JSON_USE_IMPLICIT_CONVERSIONS=0 SPDLOG_FMT_EXTERNAL)
# Asio's memory from operator new: aligned_alloc, its choice otherwise, takes the allocator's slow way for every frame.
target_compile_definitions(third_party INTERFACE BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN)
