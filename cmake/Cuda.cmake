# The CUDA backend: nvcc is called directly, as the flags of our C++ are not its own. SLUICE_CUDA: AUTO (when nvcc is
# found), ON (an error without it) or OFF. cudart is linked statically, so that the program starts without a driver.
set(SLUICE_CUDA AUTO CACHE STRING "Build the CUDA backend: AUTO, ON or OFF")
set(SLUICE_CUDA_ARCHITECTURES "80;90;120" CACHE STRING "Cards to compile for, as numbers of sm_NN")
set(SLUICE_NVCC "")
if(NOT SLUICE_CUDA STREQUAL "OFF")
    # Asks nvcc itself where its toolkit lies: an nvcc in PATH may be a script that calls one elsewhere.
    find_package(CUDAToolkit QUIET)
    if(CUDAToolkit_NVCC_EXECUTABLE AND CUDA_cudart_static_LIBRARY)
        set(SLUICE_NVCC ${CUDAToolkit_NVCC_EXECUTABLE})
        message(STATUS "CUDA backend: nvcc ${CUDAToolkit_VERSION}, ${CUDA_cudart_static_LIBRARY}")
    elseif(SLUICE_CUDA STREQUAL "ON")
        message(FATAL_ERROR "SLUICE_CUDA is ON, but no CUDA Toolkit with nvcc and libcudart_static.a is in PATH or "
            "/usr/local/cuda: install it, put its bin folder into PATH, or name its root with -DCUDAToolkit_ROOT=DIR")
    else()
        message(STATUS "No CUDA Toolkit with nvcc and libcudart_static.a: built without the CUDA backend")
    endif()
endif()

# add_cuda_source(target file.cu NAME.log): compiles it for all cards into target. What ptxas says of registers and spills
# stays in <build>/NAME.log; tests/kernels reads cuda_resources.log.
function(add_cuda_source target source log_name)
    get_filename_component(name ${source} NAME)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
    set(log ${CMAKE_BINARY_DIR}/${log_name})
    set(codes "")
    foreach(architecture ${SLUICE_CUDA_ARCHITECTURES})
        list(APPEND codes -gencode=arch=compute_${architecture},code=sm_${architecture})
    endforeach()
    string(JOIN " " flags -std=c++20 -O3 --expt-relaxed-constexpr -t 2 -Xptxas -v -I${CMAKE_SOURCE_DIR} ${codes} -MD -MF ${object}.d)
    add_custom_command(OUTPUT ${object}
        COMMAND sh -c "${SLUICE_NVCC} ${flags} -c ${source} -o ${object} 2> ${log} || { cat ${log}; exit 1; }"
        DEPENDS ${source} DEPFILE ${object}.d VERBATIM
        COMMENT "Building CUDA object ${name}.o for ${SLUICE_CUDA_ARCHITECTURES}")
    set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    target_sources(${target} PRIVATE ${object})
    target_link_libraries(${target} PUBLIC ${CUDA_cudart_static_LIBRARY} ${CMAKE_DL_LIBS} rt Threads::Threads)
endfunction()
