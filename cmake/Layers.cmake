# add_layer(router DEPENDS core policies [PCH]): one static library per folder, made of every .cpp in it.
# A file put into the folder is part of the layer. PCH: include the precompiled Asio, Beast and JSON headers of core.
# A folder's main() (gateway/main.cpp) is an executable of its own and left out.
function(add_layer name)
    cmake_parse_arguments(LAYER "PCH" "" "DEPENDS" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
    if(NOT sources)  # a layer of headers only
        file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp "")
        set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp)
    endif()
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PRIVATE project_options PUBLIC third_party ${LAYER_DEPENDS})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    if(LAYER_PCH)
        target_precompile_headers(${name} REUSE_FROM core)
    endif()
    unity(${name})
endfunction()
