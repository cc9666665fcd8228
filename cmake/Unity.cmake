# Unity builds: several files of a target compiled as one, so that the headers they share are read and instantiated once.
# Less work for a whole build, more for the change of one file: presets that build everything at once say
# SLUICE_UNITY=ON, dev does not.
#
# Files keep helpers of the same name in their unnamed namespaces. Put into one file these would clash, or worse, overload each
# other; so files that share such a name, whatever its signature, are never in the same group. What a file defines is read from
# the lines that begin in its first column, as clang-format leaves them.

# unity_names(OUT FILE): what FILE defines for itself: functions, constants, types, aliases.
function(unity_names out file)
    file(READ ${file} text)
    string(REPLACE ";" "(" text "${text}")  # neither may end up in a list
    string(REPLACE "[" "(" text "${text}")
    string(REPLACE "]" " " text "${text}")
    string(REGEX MATCHALL "\n[A-Za-z_][A-Za-z0-9_:<>,&* ]*[ &*][A-Za-z_][A-Za-z0-9_]*( ?[(={]| (final |)(: [a-z]|{))" lines "${text}")
    set(names "")
    foreach(line IN LISTS lines)
        # "using namespace", "case", "return" and forward declarations of namespaces define nothing.
        if(line MATCHES "^\n(namespace|using namespace|return|case|goto|else|extern) ?")
            continue()
        endif()
        string(REGEX REPLACE "^.*[ &*]([A-Za-z_][A-Za-z0-9_]*) ?(final )?([(={]|: [a-z])$" "\\1" name "${line}")
        list(APPEND names ${name})
    endforeach()
    list(REMOVE_DUPLICATES names)
    set(${out} ${names} PARENT_SCOPE)
endfunction()

# unity(TARGET): groups the target's .cpp files, if the build is one of unity. A file with compile options of its own stays alone.
set(SLUICE_UNITY_BYTES 100000 CACHE STRING "Most bytes of source in one group of a unity build")
mark_as_advanced(SLUICE_UNITY_BYTES)

function(unity target)
    if(NOT SLUICE_UNITY)
        return()
    endif()
    get_target_property(sources ${target} SOURCES)
    get_target_property(folder ${target} SOURCE_DIR)
    set(groups 0)
    foreach(source IN LISTS sources)
        get_filename_component(path ${source} ABSOLUTE BASE_DIR ${folder})
        get_source_file_property(alone ${source} SKIP_UNITY_BUILD_INCLUSION)
        if(NOT path MATCHES "\\.cpp$" OR alone OR NOT EXISTS ${path})
            continue()
        endif()
        file(SIZE ${path} bytes)
        unity_names(names ${path})
        set(group 0)
        while(group LESS groups)
            set(clash FALSE)
            math(EXPR total "${size_${group}} + ${bytes}")
            if(total GREATER SLUICE_UNITY_BYTES)
                set(clash TRUE)
            else()
                foreach(name IN LISTS names)
                    if(name IN_LIST names_${group})
                        set(clash TRUE)
                        break()
                    endif()
                endforeach()
            endif()
            if(NOT clash)
                break()
            endif()
            math(EXPR group "${group} + 1")
        endwhile()
        if(group EQUAL groups)
            math(EXPR groups "${groups} + 1")
            set(names_${group} "")
            set(size_${group} 0)
        endif()
        list(APPEND names_${group} ${names})
        math(EXPR size_${group} "${size_${group}} + ${bytes}")
        set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
    endforeach()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    # A class of a .cpp may hold what that file's unnamed namespace defines. Included, it looks to gcc like a header's class.
    target_compile_options(${target} PRIVATE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>)
endfunction()
