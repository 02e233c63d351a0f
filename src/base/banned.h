/*
 * banned -- functions that have no place in this program
 *
 * Using one is a compile error whose text names the replacement's home. Included by
 * base/auto.h, so by everything.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(fn) banned_##fn##_see_base_banned_h

#undef strcpy
#define strcpy BANNED(strcpy) /* base/buf.h */
#undef strcat
#define strcat BANNED(strcat)
#undef strncpy
#define strncpy BANNED(strncpy)
#undef strncat
#define strncat BANNED(strncat)
#undef sprintf
#define sprintf BANNED(sprintf)
#undef vsprintf
#define vsprintf BANNED(vsprintf)
#undef gets
#define gets BANNED(gets)
#undef strtok
#define strtok BANNED(strtok) /* base/str.h */
#undef atoi
#define atoi BANNED(atoi) /* str_to_i64 */
#undef atol
#define atol BANNED(atol)
#undef atoll
#define atoll BANNED(atoll)
#undef atof
#define atof BANNED(atof)
#undef alloca
#define alloca BANNED(alloca)
#undef strdupa
#define strdupa BANNED(strdupa)
#undef gmtime
#define gmtime BANNED(gmtime) /* gmtime_r */
#undef localtime
#define localtime BANNED(localtime)
#undef ctime
#define ctime BANNED(ctime)
#undef asctime
#define asctime BANNED(asctime)
#undef rand
#define rand BANNED(rand) /* base/random.h */
#undef srand
#define srand BANNED(srand)
#undef random
#define random BANNED(random)
#undef mktemp
#define mktemp BANNED(mktemp)
#undef tmpnam
#define tmpnam BANNED(tmpnam)
#undef system
#define system BANNED(system) /* base/proc.h */
#undef popen
#define popen BANNED(popen)

#endif
